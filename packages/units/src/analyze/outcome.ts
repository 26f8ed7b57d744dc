import { UnitsError } from "../errors.js";

/** What a command prints, and how it ends. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** 0 when all went well, else 1, as systemd's tools have it. */
  readonly exitCode: 0 | 1;
}

/** The words of the C library for what is wrong with a value. */
export function errnoMessage(error: unknown): string {
  if (!UnitsError.is(error)) throw error;
  switch (error.code) {
    case "out-of-range":
      return "Numerical result out of range";
    case "too-many-values":
      return "No buffer space available";
    case "endless":
      return "Resource deadlock avoided";
    default:
      return "Invalid argument";
  }
}

/** Undefined where `run` finds something wrong with a value. */
export function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (UnitsError.is(error)) return undefined;
    throw error;
  }
}

/**
 * Names right-aligned in front of their values, as systemd prints tables without a head. Values that
 * are shorter than the longest lose their trailing blanks, as they do there.
 */
export function alignedRows(rows: readonly (readonly [string, string])[]): string {
  const width = (text: string): number => [...text].length;
  const names = Math.max(...rows.map(([name]) => width(name)));
  const values = Math.max(...rows.map(([, value]) => width(value)));
  const shown = (value: string): string => (width(value) < values ? value.trimEnd() : value);
  return rows.map(([name, value]) => `${name.padStart(names)} ${shown(value)}\n`).join("");
}
