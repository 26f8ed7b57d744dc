/** What can go wrong, for both the core and the driver. */
export type RaftErrorCode =
  /** The entries asked for were compacted away. */
  | "compacted"
  /** The entries asked for are not there yet. */
  | "unavailable"
  | "snapshot-out-of-date"
  | "snapshot-temporarily-unavailable"
  /** The proposal was refused before it entered any log: no leader, a transfer under way, quota. Safe to retry. */
  | "proposal-dropped"
  /** The proposal may or may not take effect: leadership changed or time ran out. Not safe to retry blindly. */
  | "proposal-uncertain"
  /** No leader could confirm the read in time. */
  | "read-unavailable"
  | "step-local-message"
  | "step-peer-not-found"
  | "invalid-config"
  /** A peer sent what no member that follows the protocol sends. Nothing was done; drop it. */
  | "invalid-message"
  /**
   * A peer's message contradicts what is committed here: this member's log or the peer's was lost
   * or mixed up with another group's. Nothing was done; stop the member, and look into it.
   */
  | "diverged"
  /** The data on disk is damaged where no crash can have done it. The message names file, offset and index. */
  | "corrupt"
  /** A write or fsync failed: the log is poisoned and the process must stop. */
  | "storage-failed"
  | "disk-full"
  /** The data directory or peer belongs to another cluster or member. */
  | "wrong-cluster"
  | "stopped";

const BRAND = Symbol.for("@flotilla/raft.RaftError");

/**
 * The one error class of `@flotilla/raft`; tell cases apart by `code`.
 *
 * @example
 * ```ts
 * try { await group.propose(command); } catch (error) {
 *   if (RaftError.is(error) && error.code === "proposal-dropped") retry();
 * }
 * ```
 */
export class RaftError extends Error {
  readonly code: RaftErrorCode;

  constructor(code: RaftErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    Object.defineProperty(this, BRAND, { value: true });
    this.name = "RaftError";
    this.code = code;
  }

  /** True for a RaftError of any copy of this package. */
  static is(error: unknown): error is RaftError {
    return typeof error === "object" && error !== null && BRAND in error;
  }
}
