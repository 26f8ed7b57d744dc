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

/** A fault of the script itself: it cannot be run as it stands. */
export class SyntaxFault extends Error {}

const SEPARATOR = "----";

/**
 * Parses a script in the format of cockroachdb/datadriven: comments, a command (continued after a
 * backslash), input lines, `----`, the expected output up to an empty line. A doubled separator
 * around the output lets it hold empty lines. Lines may end in CR LF; `subtest` lines only group.
 * Throws {@link SyntaxFault}.
 */
export function parseScript(text: string): Command[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const commands: Command[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = at + 1;
    let directive = lines[at++]!.trim();
    if (directive.startsWith("#")) continue;
    while (directive.endsWith("\\") && at < lines.length) {
      directive = `${directive.slice(0, -1)} ${lines[at++]!.trim()}`;
    }
    directive = directive.trim();
    const name = directive.split(" ", 1)[0]!;
    if (name === "" || name === "subtest") continue;
    const args = parseArguments(directive, name.length);
    const separator = lines.indexOf(SEPARATOR, at);
    const end = separator < 0 ? lines.length : separator;
    const input = lines.slice(at, end).join("\n").trim();
    const { expected, next } = parseExpected(lines, end + 1);
    at = next;
    commands.push({ line, name, args, input, expected });
  }
  return commands;
}

function parseExpected(lines: readonly string[], from: number): { expected: string; next: number } {
  const double = lines[from] === SEPARATOR;
  const start = double ? from + 1 : from;
  let end = start;
  while (end < lines.length && !isEnd(lines, end, double)) end++;
  const expected = lines
    .slice(start, end)
    .map((line) => `${line}\n`)
    .join("");
  return { expected, next: double ? end + 2 : end };
}

function isEnd(lines: readonly string[], at: number, double: boolean): boolean {
  if (double) return lines[at] === SEPARATOR && lines[at + 1] === SEPARATOR;
  return lines[at]!.trim() === "";
}

function parseArguments(directive: string, from: number): Argument[] {
  const args: Argument[] = [];
  let rest = directive.slice(from).trim();
  while (rest !== "") {
    const key = /^[^ =]*/.exec(rest)![0];
    if (key === "") throw new SyntaxFault(`cannot parse the arguments of: ${directive}`);
    rest = rest.slice(key.length);
    let values: string[] = [];
    if (rest.startsWith("=(")) {
      const list = parseList(rest.slice(2), directive);
      values = list.values;
      rest = list.rest;
    } else if (rest.startsWith("=")) {
      const value = /^[^ ]*/.exec(rest.slice(1))![0];
      values = [value];
      rest = rest.slice(1 + value.length);
    }
    args.push({ key, values });
    rest = rest.trim();
  }
  return args;
}

/** Values up to the closing parenthesis; commas inside of inner parentheses belong to a value. */
function parseList(text: string, directive: string): { values: string[]; rest: string } {
  const values: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === "(") depth++;
    else if (char === ")" && depth-- === 0) {
      values.push(text.slice(start, i).trim());
      return {
        values: values.length === 1 && values[0] === "" ? [] : values,
        rest: text.slice(i + 1),
      };
    } else if (char === "," && depth === 0) {
      values.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  throw new SyntaxFault(`a list does not end in: ${directive}`);
}
