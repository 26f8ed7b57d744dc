/** One argument of a command: `key`, `key=value` or `key=(value, value)`. */
export interface Argument {
  readonly key: string;
  readonly values: readonly string[];
}

/** One command of a script with the output that is expected of it. */
export interface Command {
  readonly line: number;
  readonly name: string;
  readonly args: readonly Argument[];
  readonly input: string;
  readonly expected: string;
}

const SEPARATOR = "----";

function parseArguments(text: string): Argument[] {
  const args: Argument[] = [];
  for (const match of text.matchAll(/([^\s=]+)(?:=(\([^)]*\)|\S*))?/g)) {
    const [, key = "", value] = match;
    if (value === undefined) args.push({ key, values: [] });
    else if (!value.startsWith("(")) args.push({ key, values: [value] });
    else
      args.push({
        key,
        values: value
          .slice(1, -1)
          .split(/[\s,]+/)
          .filter(Boolean),
      });
  }
  return args;
}

/**
 * Parses a script in the format of cockroachdb/datadriven: comments, a command (continued after a
 * backslash), input lines, `----`, the expected output up to an empty line. A doubled separator
 * around the output lets it hold empty lines.
 */
export function parseScript(text: string): Command[] {
  const lines = text.split("\n");
  const commands: Command[] = [];
  let at = 0;
  while (at < lines.length) {
    let directive = lines[at]!.trim();
    const line = at + 1;
    at++;
    if (directive === "" || directive.startsWith("#")) continue;
    while (directive.endsWith("\\") && at < lines.length) {
      directive = `${directive.slice(0, -1)} ${lines[at]!.trim()}`;
      at++;
    }
    const input: string[] = [];
    while (at < lines.length && lines[at] !== SEPARATOR) input.push(lines[at++]!);
    if (at === lines.length) throw new Error(`line ${line}: no ${SEPARATOR} after the command`);
    at++;
    const expected: string[] = [];
    if (lines[at] === SEPARATOR) {
      at++;
      while (at < lines.length && !(lines[at] === SEPARATOR && lines[at + 1] === SEPARATOR)) {
        expected.push(lines[at++]!);
      }
      at += 2;
    } else {
      while (at < lines.length && lines[at] !== "") expected.push(lines[at++]!);
    }
    const name = directive.split(/\s/, 1)[0]!;
    const args = parseArguments(directive.slice(name.length));
    commands.push({ line, name, args, input: input.join("\n"), expected: joinLines(expected) });
  }
  return commands;
}

function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
