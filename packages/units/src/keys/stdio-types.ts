import { simplifyPath } from "../values/exec.js";
import { oneOf } from "./scalar-types.js";
import type { ValueContext, ValueType } from "./value-type.js";

const OUTPUTS = [
  "inherit",
  "null",
  "tty",
  "journal",
  "kmsg",
  "journal+console",
  "kmsg+console",
  "socket",
] as const;

const outputWord = oneOf("kind of output", OUTPUTS);

/** `journal`, `null`, `file:/path`, `append:/path`, `truncate:/path`, `fd:name`, … */
export const output: ValueType<string> = {
  name: "kind of output",
  empty: "refuse",
  list: false,
  words: [...OUTPUTS, "file:", "append:", "truncate:", "fd:"],
  read: (value, context) => {
    if (value.startsWith("syslog")) {
      const message = `${JSON.stringify(value)} goes to the journal nowadays.`;
      const now = value.replace("syslog", "journal");
      context.report({ code: "deprecated", message, hint: `Write ${now}.` });
      return now;
    }
    if (value === "fd" || value.startsWith("fd:")) return context.expand(value);
    return /^(file|append|truncate):/.test(value)
      ? toFile(value, context)
      : outputWord.read(value, context);
  },
};

/** Where standard input comes from. */
export const input: ValueType<string> = {
  name: "kind of input",
  empty: "refuse",
  list: false,
  read: (value, context) => {
    if (value === "fd" || value.startsWith("fd:")) return context.expand(value);
    if (value.startsWith("file:")) return toFile(value, context);
    return inputWord.read(value, context);
  },
};

const inputWord = oneOf("kind of input", [
  "null",
  "tty",
  "tty-force",
  "tty-fail",
  "socket",
  "data",
  "file:",
] as const);

function toFile(value: string, context: ValueContext): string | undefined {
  const match = /^(file|append|truncate):(.*)$/s.exec(value);
  if (match === null) return undefined;
  const file = context.expand(match[2]!);
  if (file === undefined) return undefined;
  if (file.startsWith("/")) return `${match[1]}:${simplifyPath(file)}`;
  const message = `${JSON.stringify(file)} is not an absolute path.`;
  return context.report({ code: "relative-path", message, hint: "Begin it with /." });
}
