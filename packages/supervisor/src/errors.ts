/** What can go wrong when a supervisor is asked for something; a failing service is a result, not an error. */
export type SupervisorErrorCode =
  /** No unit of that name is loaded. */
  | "not-found"
  /** The unit's file has errors; the message carries the first, `UnitStatus.diagnostics` all. */
  | "bad-setting"
  /** The name is no unit name. */
  | "invalid-name"
  /** A kind of unit or service that this supervisor cannot run (`Type=dbus`, sockets, devices …). */
  | "unsupported"
  /** The ordering dependencies of the jobs form a cycle in which no job can be left out. */
  | "cycle"
  /** The jobs contradict each other: a unit would have to start and stop at once. */
  | "conflict"
  /** RefuseManualStart= or RefuseManualStop= of the unit: it comes and goes with others only. */
  | "refused"
  /** `shutdown()` has begun. */
  | "stopped";

const BRAND = Symbol.for("@flotilla/supervisor.SupervisorError");

/**
 * The one error class of `@flotilla/supervisor`; tell cases apart by `code`.
 *
 * @example
 * ```ts
 * try { await supervisor.start("web.service"); } catch (error) {
 *   if (SupervisorError.is(error) && error.code === "not-found") console.error("load it first");
 * }
 * ```
 */
export class SupervisorError extends Error {
  readonly code: SupervisorErrorCode;

  constructor(code: SupervisorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    Object.defineProperty(this, BRAND, { value: true });
    this.name = "SupervisorError";
    this.code = code;
  }

  /** True for a SupervisorError of any copy of this package. */
  static is(error: unknown): error is SupervisorError {
    return typeof error === "object" && error !== null && BRAND in error;
  }
}
