import { RaftError, type RaftErrorCode } from "../../src/core/errors.js";

/** A refusal that the script expects to read, as opposed to a fault of the script. */
export class ScriptError extends Error {}

/** What etcd's raft says where this package throws. */
const ERROR_TEXTS: Partial<Record<RaftErrorCode, string>> = {
  "proposal-dropped": "raft proposal dropped",
  "step-local-message": "raft: cannot step raft local message",
  "step-peer-not-found": "raft: cannot step as peer not found",
  compacted: "requested index is unavailable due to compaction",
  unavailable: "requested entry at index is unavailable",
  "snapshot-out-of-date": "requested index is older than the existing snapshot",
};

/** What a script reads of an error; anything unexpected is thrown on. */
export function errorText(error: unknown): string {
  if (error instanceof ScriptError) return error.message;
  if (RaftError.is(error)) return ERROR_TEXTS[error.code] ?? error.message;
  throw error;
}
