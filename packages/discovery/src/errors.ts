/** What can go wrong in discovery. */
export type DiscoveryErrorCode =
  /** A service, domain, host, port, weight or TTL that cannot be published; nothing was written. */
  | "invalid-argument"
  /** The store gave no answer in time, or an error; see `cause`. Worth trying again. */
  | "store-unavailable"
  /** A registration's lease ran out or was revoked by someone else. */
  | "lease-lost"
  /** Another process has the port. */
  | "address-in-use"
  /** The system refuses to listen there: no such address, or no right to a low port. */
  | "listen-failed";

const BRAND = Symbol.for("@flotilla/discovery.DiscoveryError");

/**
 * The one error class of `@flotilla/discovery`; tell cases apart by `code`.
 *
 * @example
 * ```ts
 * try { await startDnsServer(store, { port: 53 }); } catch (error) {
 *   if (DiscoveryError.is(error) && error.code === "address-in-use") chooseAnotherPort();
 * }
 * ```
 */
export class DiscoveryError extends Error {
  readonly code: DiscoveryErrorCode;

  constructor(code: DiscoveryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    Object.defineProperty(this, BRAND, { value: true });
    this.name = "DiscoveryError";
    this.code = code;
  }

  /** True for a DiscoveryError of any copy of this package. */
  static is(error: unknown): error is DiscoveryError {
    return typeof error === "object" && error !== null && BRAND in error;
  }
}
