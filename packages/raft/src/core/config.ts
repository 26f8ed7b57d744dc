import { RaftError } from "./errors.js";
import { isLocalTarget } from "./message.js";
import { NONE, type NodeId, type Storage } from "./types.js";

/**
 * How ReadIndex finds out that the leader still is one.
 *
 * - `safe`: a quorum confirms it. Reads that wait share a round of heartbeats.
 * - `lease`: no round while a quorum has promised to elect nobody else (see `Lease`); otherwise as
 *   `safe`. It trusts the members' clocks: their ticks may differ in length by 5 %, and a leader
 *   must not stand still while others go on. Restarted members vote after an election timeout.
 * - `lease-based`: etcd's. A leader never asks, so that with the best of clocks reads can be stale:
 *   after a restart, a transfer, a forced election, or between two checks of the quorum.
 */
export type ReadOnlyMode = "safe" | "lease" | "lease-based";

/** How one member takes part. The core keeps no clock: a tick is whatever time the driver gives it. */
export interface Config {
  /** This member; never reused after its data was lost. */
  readonly id: NodeId;
  /** Ticks without a leader before an election; ten times `heartbeatTick` is a good start. */
  readonly electionTick: number;
  /** Ticks between a leader's heartbeats; less than `electionTick`. */
  readonly heartbeatTick: number;
  /** The log so far; read, never written by the core. */
  readonly storage: Storage;
  /** On a restart: the last index that the application has applied and kept. */
  readonly applied?: number;
  /** Storage work goes out as messages and is acknowledged by messages; see {@link RawNode.ready}. */
  readonly asyncStorageWrites?: boolean;
  /** Bytes of entries in one append; 0 for one entry each. Default 1 MiB. */
  readonly maxSizePerMsg?: number;
  /** Bytes of entries handed out to apply and not reported as applied. Default `maxSizePerMsg`. */
  readonly maxCommittedSizePerReady?: number;
  /** Bytes of data in the leader's uncommitted entries; proposals over it are dropped. Default 64 MiB. */
  readonly maxUncommittedSize?: number;
  /** Appends in flight to one member. Default 256. */
  readonly maxInflightMsgs?: number;
  /** Bytes of data in flight to one member, softly; at least `maxSizePerMsg`. Default 64 MiB. */
  readonly maxInflightBytes?: number;
  /** A leader that hears from no quorum within an election timeout steps down; votes are refused while one leads. */
  readonly checkQuorum?: boolean;
  /** Asks whether an election could be won before raising the term (dissertation, section 9.6). */
  readonly preVote?: boolean;
  /** Default "safe"; the others need `checkQuorum`, and must be the same on all members. */
  readonly readOnly?: ReadOnlyMode;
  /** A follower drops proposals instead of sending them to the leader. */
  readonly disableProposalForwarding?: boolean;
  /** Takes configuration changes into the log without checking them against the active one. */
  readonly disableConfChangeValidation?: boolean;
  /**
   * A leader that is removed or made a learner steps down at once. The others may not know yet
   * that its removal is committed, while it and whoever is removed with it know and stand for
   * election no more, even if only they have the longest log: so of one or two voters, or together
   * with other voters, remove it only after leadership was handed over.
   */
  readonly stepDownOnRemoval?: boolean;
  /**
   * Who should lead, all else being equal: a voter refuses a candidate whose log is no further than
   * its own and whose priority is lower. A preference, not a rule: a member with a longer log, one
   * that leadership is transferred to, and a leader in office stay what they are. The price is
   * liveness: a member of high priority that can answer votes but not win them (its messages are
   * lost one way, or it stalls) holds up the election of others. Default 0 for every member, which
   * is Raft as it was; may be negative. See {@link RawNode.setPriority}.
   */
  readonly priority?: number;
  /** A random integer in [0, n): spreads the election timeouts. Seed it, and runs repeat. */
  readonly random: (n: number) => number;
}

/** A {@link Config} with its defaults. */
export type ResolvedConfig = Required<Config>;

const MIB = 1024 * 1024;

function refuse(message: string): never {
  throw new RaftError("invalid-config", message);
}

/** Fills in the defaults; throws `invalid-config` where values contradict. */
export function resolveConfig(config: Config): ResolvedConfig {
  const maxSizePerMsg = config.maxSizePerMsg ?? MIB;
  const resolved: ResolvedConfig = {
    id: config.id,
    electionTick: config.electionTick,
    heartbeatTick: config.heartbeatTick,
    storage: config.storage,
    applied: config.applied ?? 0,
    asyncStorageWrites: config.asyncStorageWrites ?? false,
    maxSizePerMsg,
    maxCommittedSizePerReady: config.maxCommittedSizePerReady ?? Math.max(1, maxSizePerMsg),
    maxUncommittedSize: config.maxUncommittedSize ?? 64 * MIB,
    maxInflightMsgs: config.maxInflightMsgs ?? 256,
    maxInflightBytes: config.maxInflightBytes ?? Math.max(maxSizePerMsg, 64 * MIB),
    checkQuorum: config.checkQuorum ?? false,
    preVote: config.preVote ?? false,
    readOnly: config.readOnly ?? "safe",
    disableProposalForwarding: config.disableProposalForwarding ?? false,
    disableConfChangeValidation: config.disableConfChangeValidation ?? false,
    stepDownOnRemoval: config.stepDownOnRemoval ?? false,
    priority: config.priority ?? 0,
    random: config.random,
  };
  validate(resolved);
  return resolved;
}

function validate(config: ResolvedConfig): void {
  const { id, electionTick, heartbeatTick } = config;
  if (id === NONE || isLocalTarget(id) || !Number.isSafeInteger(id) || id < 0) {
    refuse(`id must be a safe integer from 1 on, not ${id}`);
  }
  if (!Number.isInteger(heartbeatTick) || heartbeatTick <= 0) {
    refuse("heartbeatTick must be an integer greater than 0");
  }
  if (!Number.isInteger(electionTick) || electionTick <= heartbeatTick) {
    refuse("electionTick must be an integer greater than heartbeatTick");
  }
  if (!Number.isSafeInteger(config.priority)) refuse("priority must be a safe integer");
  if (!(config.maxSizePerMsg >= 0)) refuse("maxSizePerMsg must not be negative");
  if (!(config.maxCommittedSizePerReady > 0)) refuse("maxCommittedSizePerReady must be over 0");
  if (!(config.maxUncommittedSize > 0)) refuse("maxUncommittedSize must be over 0");
  if (!(config.maxInflightMsgs > 0)) refuse("maxInflightMsgs must be over 0");
  if (!(config.maxInflightBytes >= config.maxSizePerMsg)) {
    refuse("maxInflightBytes must be at least maxSizePerMsg");
  }
  if (config.readOnly !== "safe" && !config.checkQuorum) {
    refuse("reads under a lease need checkQuorum: only it ends a lease");
  }
}
