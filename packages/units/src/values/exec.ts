import { UnitsError } from "../errors.js";
import type { ExecCommand } from "../types.js";
import { nextWord } from "./words.js";

/** Something wrong in an Exec line; `index` counts in the raw value. */
export interface ExecProblem {
  readonly index: number;
  readonly length: number;
  readonly message: string;
  readonly hint?: string;
  /** Systemd refuses the unit, or (`-` prefix, unknown escapes) goes on with a warning. */
  readonly fatal: boolean;
  readonly code: "invalid-exec" | "relative-path" | "unknown-escape";
}

export interface ExecLine {
  readonly commands: readonly ExecCommand[];
  readonly problems: readonly ExecProblem[];
}

/**
 * Replaces specifiers in a piece of the value that begins at `index`; undefined when it has reported
 * some that do not exist, by which the command (`fatal`: the unit) is lost.
 */
export type Expand = (text: string, index: number, fatal: boolean) => string | undefined;

/**
 * Reads the value of ExecStart= and its kin (systemd.service(5), "Command lines"): prefixes
 * `- @ : + ! !!`, words and quotes, commands parted by a lone `;`. `argv` holds argv[0], which is
 * the path unless `@` sets another. Never throws.
 *
 * @example
 * ```ts
 * parseExecLine("-/bin/echo 'a b'").commands[0]?.argv; // ["/bin/echo", "a b"]
 * ```
 */
export function parseExecLine(value: string, expand: Expand = (text) => text): ExecLine {
  return new ExecReader(value, expand).read();
}

/**
 * Reads one command, for callers without a unit.
 *
 * @throws UnitsError "invalid-value" for anything that systemd would refuse.
 */
export function parseCommand(value: string): ExecCommand {
  const { commands, problems } = parseExecLine(value);
  const fatal = problems.find((one) => one.fatal);
  const command = commands[0];
  if (fatal !== undefined || command === undefined || commands.length > 1) {
    const message = fatal?.message ?? `${JSON.stringify(value)} is not one command.`;
    throw new UnitsError("invalid-value", message, fatal?.hint ? { hint: fatal.hint } : {});
  }
  return command;
}

interface Prefixes {
  readonly length: number;
  readonly ignoreFailure: boolean;
  readonly ownArgv0: boolean;
  readonly noEnvironmentExpansion: boolean;
  readonly privileges: ExecCommand["privileges"];
}

class ExecReader {
  readonly #value: string;
  readonly #expand: Expand;
  readonly #commands: ExecCommand[] = [];
  readonly #problems: ExecProblem[] = [];
  #at = 0;

  constructor(value: string, expand: Expand) {
    this.#value = value;
    this.#expand = expand;
  }

  read(): ExecLine {
    while (this.#command());
    return { commands: this.#commands, problems: this.#problems };
  }

  /** Reads one command; true when a `;` promises another. */
  #command(): boolean {
    const first = this.#word(false);
    if (first === undefined) return false;
    if (first.text === ";") return true;
    const prefixes = readPrefixes(first.text);
    const fatal = !prefixes.ignoreFailure;
    const path = this.#expand(first.text.slice(prefixes.length), first.start, fatal);
    if (path === undefined) return false;
    if (!this.#checkPath(path, first.start, first.end - first.start, fatal)) return false;
    const argv = prefixes.ownArgv0 ? [] : [path];
    const more = this.#arguments(argv, fatal);
    if (more === undefined) return false;
    if (argv[0] === undefined || argv[0] === "") {
      this.#problem(
        first.start,
        1,
        "invalid-exec",
        "argv[0] is missing after the @ prefix.",
        fatal,
      );
      return false;
    }
    const { ignoreFailure, noEnvironmentExpansion, privileges } = prefixes;
    const simple = path.startsWith("/") ? simplifyPath(path) : path;
    this.#commands.push({ path: simple, argv, ignoreFailure, noEnvironmentExpansion, privileges });
    return more;
  }

  /** Fills `argv`; true when ended by `;`, undefined when broken. */
  #arguments(argv: string[], fatal: boolean): boolean | undefined {
    for (;;) {
      this.#skipBlank();
      const value = this.#value;
      const at = this.#at;
      if (at >= value.length) return false;
      if (value[at] === ";" && isWordEnd(value, at + 1)) {
        this.#at++;
        return true;
      }
      // Only a bare \; is the argument ";": in quotes or behind \\ the backslash means something else.
      if (value[at] === "\\" && value[at + 1] === ";" && isWordEnd(value, at + 2)) {
        this.#at += 2;
        argv.push(";");
        continue;
      }
      const word = this.#word(fatal);
      if (word === undefined) return undefined;
      const expanded = this.#expand(word.text, word.start, fatal);
      if (expanded === undefined) return undefined;
      argv.push(expanded);
    }
  }

  #word(fatal: boolean): { text: string; start: number; end: number } | undefined {
    let word = nextWord(this.#value, this.#at);
    if (word !== undefined && "problem" in word && word.problem === "escape") {
      const relaxed = relaxedWord(this.#value, this.#at);
      if (relaxed !== undefined) {
        const { index } = word;
        const message = `${JSON.stringify(this.#value.slice(index, index + 2))} is not an escape; it is kept as it is.`;
        this.#problem(index, 2, "unknown-escape", message, false, "Write \\\\ for a backslash.");
        word = relaxed;
      }
    }
    if (word === undefined) return undefined;
    if ("problem" in word) {
      const message = "A quote is not closed.";
      const hint = `Close it, or write \\" or \\' for the character.`;
      this.#problem(word.index, 1, "invalid-exec", message, fatal, hint);
      this.#at = this.#value.length;
      return undefined;
    }
    this.#at = word.end;
    return word;
  }

  #checkPath(path: string, index: number, length: number, fatal: boolean): boolean {
    const shown = JSON.stringify(path);
    if (path === "") {
      this.#problem(index, length, "invalid-exec", "There is no command behind the prefix.", fatal);
    } else if (!isSafe(path)) {
      const message = `The command ${shown} has quotes, backslashes or control characters.`;
      this.#problem(index, length, "invalid-exec", message, fatal);
    } else if (path.endsWith("/")) {
      this.#problem(index, length, "invalid-exec", `The command ${shown} is a directory.`, fatal);
    } else if (path.startsWith("/") ? path.length >= 4096 : !isFileName(path)) {
      const message = `The command ${shown} is neither an absolute path nor a bare file name.`;
      const hint = `Write its whole path, or run it as /bin/sh -c '…'.`;
      this.#problem(index, length, "relative-path", message, fatal, hint);
    } else {
      return true;
    }
    return false;
  }

  #problem(
    index: number,
    length: number,
    code: ExecProblem["code"],
    message: string,
    fatal: boolean,
    hint?: string,
  ): void {
    this.#problems.push({ index, length, code, message, fatal, ...(hint ? { hint } : {}) });
  }

  #skipBlank(): void {
    while (this.#at < this.#value.length && isBlank(this.#value[this.#at])) this.#at++;
  }
}

function readPrefixes(word: string): Prefixes {
  let at = 0;
  let ignoreFailure = false;
  let ownArgv0 = false;
  let noEnvironmentExpansion = false;
  let privileges: ExecCommand["privileges"] = "default";
  for (; at < word.length; at++) {
    const char = word[at];
    if (char === "-" && !ignoreFailure) ignoreFailure = true;
    else if (char === "@" && !ownArgv0) ownArgv0 = true;
    else if (char === ":" && !noEnvironmentExpansion) noEnvironmentExpansion = true;
    else if (char === "+" && privileges === "default") privileges = "full";
    else if (char === "!" && privileges === "default") privileges = "no-setuid";
    else if (char === "!" && privileges === "no-setuid") privileges = "ambient";
    else break;
  }
  return { length: at, ignoreFailure, ownArgv0, noEnvironmentExpansion, privileges };
}

/** The word with unknown escapes kept, if nothing else is wrong with it. */
function relaxedWord(value: string, at: number) {
  const strict = nextWord(value, at, { relaxEscapes: true });
  return strict !== undefined && !("problem" in strict) ? strict : undefined;
}

function isBlank(char: string | undefined): boolean {
  return char === " " || char === "\t" || char === "\n" || char === "\r";
}

function isWordEnd(value: string, at: number): boolean {
  return at >= value.length || isBlank(value[at]);
}

/** systemd's string_is_safe(). */
function isSafe(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  return !/[\x00-\x1f\x7f"'\\]/.test(text);
}

function isFileName(text: string): boolean {
  return text !== "." && text !== ".." && !text.includes("/") && text.length <= 255;
}

/** systemd's path_simplify(): no doubled or trailing slashes, no `.` components. */
export function simplifyPath(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return `${path.startsWith("/") ? "/" : ""}${parts.join("/")}`;
}
