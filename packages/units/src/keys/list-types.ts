import { isValidUnitName, tryParseUnitName } from "../names/unit-name.js";
import type { ExecCommand, Severity, UnitName } from "../types.js";
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

function dependency(text: string, context: ValueContext, at: Word): string | undefined {
  const name = text.includes("%")
    ? context.expand(text, { ...place(at), allowed: NAME_SPECIFIERS })
    : text;
  if (name === undefined) return undefined;
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
  words: { unquote: false, retainEscape: true },
});

/** One unit name. */
export const unitReference: ValueType<string> = {
  name: "unit name",
  empty: "refuse",
  list: false,
  read: (value, context) =>
    dependency(value, context, { text: value, start: 0, end: value.length }),
};

/** The service of a socket, which cannot be a template. */
export const serviceReference: ValueType<string> = {
  ...unitReference,
  name: "service",
  read: (value, context) => {
    const name = context.expand(value, { allowed: NAME_SPECIFIERS });
    if (name === undefined) return undefined;
    const parsed = tryParseUnitName(name);
    if (parsed?.type === "service" && !parsed.isTemplate) return name;
    const message = `${JSON.stringify(name)} is not a service.`;
    return context.report({ message, hint: "Its name ends in .service, and is no template." });
  },
};

/** Names in [Install]: templates are allowed, specifiers are for `enable` to expand. */
export const installList: ValueType<readonly string[]> = listOf(
  "unit names",
  (word, context, at) => {
    const severity = "none";
    const name = context.expand(word, { ...place(at), allowed: NAME_SPECIFIERS, severity });
    if (name === undefined) return undefined;
    if (name.includes("%") || isValidUnitName(name)) return name;
    const message = `${JSON.stringify(name)} is not a unit name.`;
    return context.report({ message, hint: "Names end in their type.", ...place(at) });
  },
  { words: { unquote: false, retainEscape: true } },
);

export const documentation: ValueType<readonly string[]> = listOf("URLs", (word, context, at) => {
  const url = context.expand(word, place(at));
  if (url === undefined) return undefined;
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
    const line = parseExecLine(value, (piece, index, fatal) =>
      context.expand(piece, { index, length: piece.length, severity: fatal ? "error" : "warning" }),
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
    return assignments.flatMap((one) => context.expand(one) ?? []);
  },
};

/** A path that may begin with `-` for "need not be there". */
export interface OptionalPath {
  readonly path: string;
  readonly optional: boolean;
}

/** The path behind an optional `-`. */
function afterDash(
  value: string,
  context: ValueContext,
  severity: Severity,
): OptionalPath | undefined {
  const optional = value.startsWith("-");
  const path = context.expand(optional ? value.slice(1) : value, {
    severity: optional ? "warning" : severity,
  });
  return path === undefined ? undefined : { path, optional };
}

/** An absolute, simplified path; a specifier nobody resolved may stand for one. */
export function absolute(
  path: string,
  context: ValueContext,
  severity: Severity = "warning",
): string | undefined {
  if (path.startsWith("/") && !path.split("/").includes("..")) return simplifyPath(path);
  if (/^%[A-Za-z]/.test(path)) return path;
  const message = path.startsWith("/")
    ? `${JSON.stringify(path)} has a .. in it.`
    : `${JSON.stringify(path)} is not an absolute path.`;
  const hint = "Begin it with / and spell it out.";
  return context.report({ code: "relative-path", severity, message, hint });
}

export const environmentFiles: ValueType<readonly OptionalPath[]> = {
  name: "path of an environment file",
  empty: "reset",
  list: true,
  read: (value, context) => {
    const file = afterDash(value, context, "warning");
    const path = file && absolute(file.path, context);
    return path === undefined ? undefined : [{ path, optional: file?.optional ?? false }];
  },
};

/** A bad one makes systemd refuse the unit, unless it begins with `-`. */
export const workingDirectory: ValueType<OptionalPath> = {
  name: "directory, or ~",
  empty: "reset",
  list: false,
  read: (value, context) => {
    const directory = afterDash(value, context, "error");
    if (directory === undefined || directory.path === "~") return directory;
    const { optional } = directory;
    const path = absolute(directory.path, context, optional ? "warning" : "error");
    return path === undefined ? undefined : { path, optional };
  },
};

function pathType(severity: Severity): ValueType<string> {
  return {
    name: "absolute path",
    empty: "reset",
    list: false,
    read: (value, context) => {
      const path = context.expand(value, { severity });
      return path === undefined ? undefined : absolute(path, context, severity);
    },
  };
}

export const path: ValueType<string> = pathType("warning");

/** A path without which systemd would run the wrong thing, and so refuses the unit. */
export const requiredPath: ValueType<string> = pathType("error");

/** PIDFile= counts from /run. One with `..` in it makes systemd refuse the unit. */
export const pidFile: ValueType<string> = {
  name: "path, relative to /run",
  empty: "reset",
  list: false,
  read: (value, context) => {
    const file = context.expand(value);
    if (file === undefined) return undefined;
    return absolute(file.startsWith("/") ? file : `/run/${file}`, context, "error");
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
  const name = context.expand(value, { severity: "error" });
  if (name === undefined || isAccount(name)) return name;
  const message = `${JSON.stringify(name)} cannot be a user or group.`;
  return context.report({ message, severity: "error" });
}

/** systemd's relaxed rules: almost any name, or a number without leading zeros. */
function isAccount(name: string): boolean {
  if (/^\d+$/.test(name)) return /^(0|[1-9]\d*)$/.test(name) && Number(name) < 0xffff_ffff;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  return !/[\x00-\x1f\x7f:/]|^\s|\s$|^[.]*$|^-/.test(name);
}

/** A user or group, by name or number. A bad one makes systemd refuse the unit. */
export const accountName: ValueType<string> = {
  name: "user or group",
  empty: "reset",
  list: false,
  read: account,
};

export const accountNames: ValueType<readonly string[]> = listOf("groups", account);
