/** What can go wrong when a runtime is made or used. */
export type ContainerErrorCode =
  /** An option or a specification that cannot be carried out as written. */
  | "invalid-argument"
  /** The helper process cannot be started: no perl, or the machine's kernel lacks something. */
  | "helper-unavailable"
  /** The helper process ended while it was needed. Every process it had started is killed. */
  | "helper-lost"
  /** Another runtime holds the same directory or cgroup parent. */
  | "in-use"
  /** A sandbox of this name exists already. */
  | "exists"
  /** The sandbox was deleted. */
  | "not-found"
  /** The process is not one of the sandbox's, or is gone. */
  | "no-process"
  /** Processes survive SIGKILL (they wait in the kernel), so the sandbox cannot be removed yet. */
  | "busy"
  /** More requests wait for the helper than it may hold (see `REQUESTS_MAX`). */
  | "overloaded"
  /** fork, pipe, mkdir, or a write to a cgroup failed. */
  | "resources"
  /** A specification asks for a container, and there is no OCI runtime here. */
  | "no-oci-runtime"
  /** The root directory is missing or is no directory. */
  | "bad-root"
  /** The runtime was disposed of. */
  | "closed";

const BRAND = Symbol.for("@flotilla/container.ContainerError");

/**
 * The one error class of `@flotilla/container`; tell cases apart by `code`.
 *
 * @example
 * ```ts
 * try { await runtime.create(spec); } catch (error) {
 *   if (ContainerError.is(error) && error.code === "bad-root") report(error.message);
 * }
 * ```
 */
export class ContainerError extends Error {
  readonly code: ContainerErrorCode;

  constructor(code: ContainerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    Object.defineProperty(this, BRAND, { value: true });
    this.name = "ContainerError";
    this.code = code;
  }

  /** True for a ContainerError of any copy of this package. */
  static is(error: unknown): error is ContainerError {
    return typeof error === "object" && error !== null && BRAND in error;
  }
}
