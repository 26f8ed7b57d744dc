import type { Severity, UnitName } from "../types.js";

/** A complaint about a value; `index` and `length` count in the joined value, the whole by default. */
export interface ValueProblem {
  /** "bad-value" by default. */
  readonly code?: string;
  /** "warning" by default: systemd ignores the assignment and goes on. */
  readonly severity?: Severity;
  readonly message: string;
  readonly hint?: string;
  readonly index?: number;
  readonly length?: number;
}

/** How specifiers are replaced in a piece of a value. */
export interface ExpandOptions {
  /** Where the piece stands in the value, for complaints. */
  readonly index?: number;
  readonly length?: number;
  /** The letters that may stand here; all by default. */
  readonly allowed?: string;
  /** Of the complaint about those that may not; "warning" by default, "none" keeps them as text. */
  readonly severity?: Severity | "none";
}

/** What a value type may know and do while it reads one value. */
export interface ValueContext {
  readonly unit: UnitName;
  readonly key: string;
  report(problem: ValueProblem): undefined;
  /** Replaces specifiers; undefined when there are some that do not exist here, which are reported. */
  expand(text: string, options?: ExpandOptions): string | undefined;
}

/** One kind of value: how keys that hold it are read, checked, named and completed. */
export interface ValueType<T> {
  /** For people: "boolean", "time span", "unit names". */
  readonly name: string;
  /** What an empty value does: clears what came before, is refused, or is read like any other. */
  readonly empty: "reset" | "refuse" | "read";
  /** Values of lists pile up over assignments; of others the last valid one wins. */
  readonly list: boolean;
  /** The possible words, where they are few: for hints and completion. */
  readonly words?: readonly string[];
  /** Free text, in which ` # ` is no mistake. */
  readonly prose?: boolean;
  /** Undefined: reported, and the assignment does not count. */
  read(value: string, context: ValueContext): T | undefined;
}

/** A key of a section. */
export interface KeySpec {
  readonly type: ValueType<unknown>;
  /** The key (`Key` or `Section.Key`) under which the value counts: an older spelling of it. */
  readonly renamed?: string;
  /** Several keys that this one sets at once. */
  readonly sets?: readonly string[];
  /** Why it should not be used any more; what to use is said in `renamed` or here. */
  readonly deprecated?: string;
  /** systemd itself warns of it. */
  readonly warns?: true;
  /** systemd knows it, and ignores it with a warning. */
  readonly removed?: true;
}

/** The keys of a section by name. */
export type KeyTable = Readonly<Record<string, KeySpec>>;

/** A table row for each of the names. */
export function keys(type: ValueType<unknown>, names: string): KeyTable {
  return Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, { type }]),
  );
}

/** Rows for older spellings: `"Old=New Older=New"`. */
export function renamed(type: ValueType<unknown>, pairs: string): KeyTable {
  const rows = pairs
    .trim()
    .split(/\s+/)
    .map((pair) => pair.split("=") as [string, string]);
  return Object.fromEntries(
    rows.map(([old, now]) => {
      const shown = now.includes(".")
        ? `${now.split(".")[1]}= in [${now.split(".")[0]}]`
        : `${now}=`;
      return [old, { type, renamed: now, deprecated: `It is called ${shown} now.` }];
    }),
  );
}

/** Rows that systemd still takes but warns of. */
export function discouraged(type: ValueType<unknown>, names: string, hint: string): KeyTable {
  const rows = names.trim().split(/\s+/);
  return Object.fromEntries(rows.map((name) => [name, { type, deprecated: hint, warns: true }]));
}
