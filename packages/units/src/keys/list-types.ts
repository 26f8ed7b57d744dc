import { isValidUnitName, tryParseUnitName } from "../names/unit-name.js";
import type { ExecCommand, UnitName } from "../types.js";
import { parseEnvironment } from "../values/environment.js";
import { parseExecLine, simplifyPath } from "../values/exec.js";
import { parseExitStatus } from "../values/exit-status.js";
import { parseSignal } from "../values/signals.js";
import { NAME_SPECIFIERS } from "../values/specifiers.js";
import { nextWord, type Word, type WordOptions } from "../values/words.js";
import type { ValueContext, ValueType } from "./value-type.js";

/** Words of a value; a broken quote or escape ends them with a warning, as in systemd. */
export function readWords(value: string, context: ValueContext, options?: WordOptions): Word[] {
  const words: Word[] = [];
  for (let at = 0; ; ) {
    const word = nextWord(value, at, options);
    if (word === undefined) return words;
    if ("problem" in word) {
      const message =
        word.problem === "quote" ? "A quote is not closed." : "There is no such escape.";
      context.report({ message, index: word.index, length: 1 });
      return words;
    }
    words.push(word);
    at = word.end;
  }
}

function place(word: Word): { index: number; length: number } {
  return { index: word.start, length: word.end - word.start };
}

/** A list read word by word; `each` gives undefined for a word that it has reported. */
function listOf<T>(
  name: string,
  each: (word: string, context: ValueContext, at: Word) => T | undefined,
  options: { empty?: "reset" | "read"; words?: WordOptions } = {},
): ValueType<readonly T[]> {
  return {
    name,
    empty: options.empty ?? "reset",
    list: true,
    read: (value, context) => {
      const list: T[] = [];
      for (const word of readWords(value, context, options.words)) {
        const item = each(word.text, context, word);
        if (item !== undefined) list.push(item);
      }
      return list;
    },
  };
}

/** Words with specifiers expanded. */
export const words: ValueType<readonly string[]> = listOf("words", (word, context, at) =>
  context.expand(word, place(at)),
);

function dependency(text: string, context: ValueContext, at: Word): string | undefined {
  const name = text.includes("%")
    ? context.expand(text, { ...place(at), allowed: NAME_SPECIFIERS })
    : text;
  const parsed = tryParseUnitName(name);
  if (parsed === undefined) {
    const message = `${JSON.stringify(name)} is not a unit name.`;
    const hint = isValidUnitName(`${name}.service`)
      ? `Did you mean ${name}.service?`
      : "Names end in their type, as web.service does.";
    return context.report({ message, hint, ...place(at) });
  }
  return instantiate(parsed, context.unit);
}

/** A template named as a dependency stands for the instance of the unit that names it. */
function instantiate(name: UnitName, unit: UnitName): string {
  if (!name.isTemplate) return name.name;
  return `${name.prefix}@${unit.instance || unit.prefix}.${name.type}`;
}

/** Dependencies: these cannot be reset by an empty value (systemd.unit(5)). */
export const unitList: ValueType<readonly string[]> = listOf("unit names", dependency, {
  empty: "read",
  words: { retainEscape: true },
});

/** One unit name. */
export const unitReference: ValueType<string> = {
  name: "unit name",
  empty: "refuse",
  list: false,
  read: (value, context) =>
    dependency(value, context, { text: value, start: 0, end: value.length }),
};

/** Names in [Install]: templates are allowed, specifiers are for `enable` to expand. */
export const installList: ValueType<readonly string[]> = listOf(
  "unit names",
  (word, context, at) => {
    const name = context.expand(word, { ...place(at), allowed: NAME_SPECIFIERS });
    if (name.includes("%") || isValidUnitName(name)) return name;
    const message = `${JSON.stringify(name)} is not a unit name.`;
    return context.report({ message, hint: "Names end in their type.", ...place(at) });
  },
  { words: { retainEscape: true } },
);

export const documentation: ValueType<readonly string[]> = listOf("URLs", (word, context, at) => {
  const url = context.expand(word, place(at));
  if (/^(https?:\/\/|file:\/|info:|man:)./.test(url)) return url;
  const message = `${JSON.stringify(url)} is not a documentation URL.`;
  const hint = "It begins with http://, https://, file:/, info: or man:.";
  return context.report({ message, hint, ...place(at) });
});

/** Commands, with everything that is wrong in them. */
export const exec: ValueType<readonly ExecCommand[]> = {
  name: "command line",
  empty: "reset",
  list: true,
  read: (value, context) => {
    const line = parseExecLine(value, (piece, index) =>
      context.expand(piece, { index, length: piece.length }),
    );
    for (const { fatal, ...problem } of line.problems) {
      context.report({ ...problem, severity: fatal ? "error" : "warning" });
    }
    return line.commands;
  },
};

/** `NAME=value` strings, specifiers expanded. */
export const environment: ValueType<readonly string[]> = {
  name: "environment assignments",
  empty: "reset",
  list: true,
  read: (value, context) => {
    const { assignments, invalid } = parseEnvironment(value);
    for (const { text, start, end } of invalid) {
      const message = `${JSON.stringify(text)} is not NAME=value.`;
      const hint = `Quote values with spaces as a whole: "NAME=a b".`;
      context.report({ message, hint, index: start, length: end - start });
    }
    return assignments.map((one) => context.expand(one));
  },
};

/** A path that may begin with `-` for "need not be there". */
export interface OptionalPath {
  readonly path: string;
  readonly optional: boolean;
}

function optionalPath(
  value: string,
  context: ValueContext,
  allowHome: boolean,
): OptionalPath | undefined {
  const optional = value.startsWith("-");
  const path = context.expand(optional ? value.slice(1) : value);
  if (allowHome && path === "~") return { path, optional };
  const checked = absolute(path, context, { index: 0, length: value.length });
  return checked === undefined ? undefined : { path: checked, optional };
}

/** An absolute, simplified path; a specifier nobody resolved may stand for one. */
function absolute(
  path: string,
  context: ValueContext,
  at: { index: number; length: number },
): string | undefined {
  if (path.startsWith("/")) return simplifyPath(path);
  if (/^%[A-Za-z]/.test(path)) return path;
  const message = `${JSON.stringify(path)} is not an absolute path.`;
  return context.report({ code: "relative-path", message, hint: "Begin it with /.", ...at });
}

export const environmentFiles: ValueType<readonly OptionalPath[]> = {
  name: "path of an environment file",
  empty: "reset",
  list: true,
  read: (value, context) => {
    const file = optionalPath(value, context, false);
    return file === undefined ? undefined : [file];
  },
};

export const workingDirectory: ValueType<OptionalPath> = {
  name: "directory, or ~",
  empty: "reset",
  list: false,
  read: (value, context) => optionalPath(value, context, true),
};

export const path: ValueType<string> = {
  name: "absolute path",
  empty: "reset",
  list: false,
  read: (value, context) =>
    absolute(context.expand(value), context, { index: 0, length: value.length }),
};

/** PIDFile= counts from /run. */
export const pidFile: ValueType<string> = {
  name: "path, relative to /run",
  empty: "reset",
  list: false,
  read: (value, context) => {
    const file = context.expand(value);
    return simplifyPath(file.startsWith("/") ? file : `/run/${file}`);
  },
};

/** Exit codes as numbers, signals by name. */
export const exitStatuses: ValueType<readonly (number | string)[]> = listOf(
  "exit statuses and signals",
  (word, context, at) =>
    parseExitStatus(word) ??
    parseSignal(word) ??
    context.report({
      message: `${JSON.stringify(word)} is neither an exit status nor a signal.`,
      hint: "Write 0 to 255, a name such as TEMPFAIL, or a signal such as SIGTERM.",
      ...place(at),
    }),
);

function account(value: string, context: ValueContext): string | undefined {
  const name = context.expand(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (!/[\x00-\x1f\x7f:/]|^\s|\s$|^[-.]*$/.test(name)) return name;
  const message = `${JSON.stringify(name)} cannot be a user or group.`;
  return context.report({ message, severity: "error" });
}

/** A user or group, by name or number. A bad one makes systemd refuse the unit. */
export const accountName: ValueType<string> = {
  name: "user or group",
  empty: "reset",
  list: false,
  read: account,
};

export const accountNames: ValueType<readonly string[]> = listOf("groups", account);
