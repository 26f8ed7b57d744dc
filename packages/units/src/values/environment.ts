import type { ExecCommand } from "../types.js";
import { nextWord, splitWords } from "./words.js";

/** True for what may stand before the `=` of an environment assignment. */
export function isEnvironmentName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/** True for `NAME=value` as systemd takes it; tabs and line feeds are the only control characters. */
export function isEnvironmentAssignment(text: string): boolean {
  const equals = text.indexOf("=");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  const control = /[\x00-\x08\x0b-\x1f\x7f]/;
  return isEnvironmentName(text.slice(0, Math.max(0, equals))) && !control.test(text);
}

/**
 * The words of `Environment=`: `A=1 "B=2 3"`. Words that are not assignments are in `invalid`; a
 * broken quote or escape ends the list, as in systemd.
 */
export function parseEnvironment(value: string): {
  readonly assignments: readonly string[];
  readonly invalid: readonly { text: string; start: number; end: number }[];
} {
  const assignments: string[] = [];
  const invalid: { text: string; start: number; end: number }[] = [];
  for (let at = 0; ; ) {
    const word = nextWord(value, at);
    if (word === undefined) break;
    if ("problem" in word) {
      invalid.push({ text: value.slice(word.index), start: word.index, end: value.length });
      break;
    }
    if (isEnvironmentAssignment(word.text)) assignments.push(word.text);
    else invalid.push(word);
    at = word.end;
  }
  return { assignments, invalid };
}

/**
 * The argument vector (argv[0] included) with the environment put in, as systemd does when it
 * starts a command (systemd.service(5), "Command lines"): a word that is `$FOO` is split at white
 * space and vanishes when unset, `${FOO}` anywhere becomes its value as one word, `$$` is `$`, and
 * `$FOO` inside a word is left alone. With the `:` prefix nothing is replaced.
 *
 * @example
 * ```ts
 * const command = parseCommand("/bin/echo $ARGS ${NAME}-x");
 * expandEnvironment(command, { ARGS: "a b", NAME: "n" }); // ["/bin/echo", "a", "b", "n-x"]
 * ```
 */
export function expandEnvironment(
  command: ExecCommand,
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  if (command.noEnvironmentExpansion) return [...command.argv];
  const argv: string[] = [];
  for (const word of command.argv) {
    if (word.startsWith("$") && word[1] !== "{" && word[1] !== "$") {
      const value = lookUp(env, word.slice(1));
      if (value !== undefined) argv.push(...splitValue(value));
    } else {
      argv.push(expandWord(word, env));
    }
  }
  return argv;
}

function expandWord(word: string, env: Readonly<Record<string, string | undefined>>): string {
  return word.replace(/\$\$|\$\{([^}:]*)\}/g, (_whole, name: string | undefined) =>
    name === undefined ? "$" : (lookUp(env, name) ?? ""),
  );
}

function splitValue(value: string): string[] {
  return splitWords(value, { unescape: false, relaxQuotes: true });
}

function lookUp(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}
