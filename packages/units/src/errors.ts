/** What the throwing functions of this package can report. Unit files themselves never throw. */
export type UnitsErrorCode =
  /** Not a unit name: too long, a forbidden character, an unknown type. */
  | "invalid-name"
  /** An edit that cannot be written as a unit file (a key with `=`, a section that is not there). */
  | "invalid-edit"
  /** Text that systemd-escape could not have made. */
  | "invalid-escape"
  /** Quotes that do not close or an escape that does not exist. */
  | "invalid-quoting"
  /** A time span, size, boolean or the like that cannot be read. */
  | "invalid-value"
  /** A number that is well written and too large. */
  | "out-of-range"
  /** More values than one field of a calendar expression may list. */
  | "too-many-values"
  /** A calendar expression whose next time cannot be computed within a bound. */
  | "endless"
  /** A glob that Go's path.Match refuses (ErrBadPattern). */
  | "invalid-pattern";

const BRAND = Symbol.for("@flotilla/units.UnitsError");

/**
 * The one error class of `@flotilla/units`; tell cases apart by `code`. `hint` says how to mend it.
 *
 * @example
 * ```ts
 * try { parseUnitName(input); } catch (error) {
 *   if (UnitsError.is(error)) console.error(error.message, error.hint);
 * }
 * ```
 */
export class UnitsError extends Error {
  readonly code: UnitsErrorCode;
  readonly hint: string | undefined;

  constructor(code: UnitsErrorCode, message: string, options?: ErrorOptions & { hint?: string }) {
    super(message, options);
    Object.defineProperty(this, BRAND, { value: true });
    this.name = "UnitsError";
    this.code = code;
    this.hint = options?.hint;
  }

  /** True for a UnitsError of any copy of this package. */
  static is(error: unknown): error is UnitsError {
    return typeof error === "object" && error !== null && BRAND in error;
  }
}
