import { setTimeout as sleep } from "node:timers/promises";
import { RaftError } from "@flotilla/raft";
import { KvError } from "../api/errors.js";
import type { Author, Command, CommandResult, PlainCommand, ResponseHeader } from "../api/types.js";
import { AuthGuard, type Caller } from "../auth/auth-guard.js";
import { NOBODY, TRUSTED } from "../auth/authorize.js";
import type { TokenProvider } from "../auth/token-provider.js";
import type { Lessor } from "../lease/lessor.js";
import type { MvccStore } from "../store/mvcc-store.js";
import type { WatchHub } from "../watch/watch-hub.js";
import { LeaderWatch } from "./leader-watch.js";
import type { ReplicatedLog } from "./replicated-log.js";

/** The bounds that a member puts on what clients send. */
export interface Limits {
  /** Operations in one transaction, nested ones included. */
  readonly maxTxnOps: number;
  readonly maxRequestBytes: number;
  /** Bytes of keys, values and history beyond which only reads and deletions are taken. */
  readonly quotaBytes: number;
  /** How long a write waits for a leader; etcd's 5 s and two election timeouts. */
  readonly requestTimeoutMs: number;
  /** Calls and streams open at a time of one connection; null: as many as it likes. */
  readonly maxConcurrentStreams: number | null;
}

/** Between two proposals of what the log did not take. */
const RETRY_MS = 50;
/** Refusals by a log that has a leader, so that it is full or leadership just moved. */
const REFUSALS_MAX = 3;

/** etcd's defaults. */
export const DEFAULT_LIMITS: Limits = {
  maxTxnOps: 128,
  maxRequestBytes: 1.5 * 1024 * 1024,
  quotaBytes: 2 * 1024 * 1024 * 1024,
  requestTimeoutMs: 7000,
  maxConcurrentStreams: null,
};

/** The parts of one member that its services share. */
export interface BackendParts {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly store: MvccStore;
  readonly hub: WatchHub;
  readonly lessor: Lessor;
  readonly log: ReplicatedLog;
  readonly limits: Limits;
  readonly electionMs: number;
  readonly tokens: TokenProvider;
  /** What clients are told that the server is. */
  readonly version: string;
}

/** How a proposal came about. */
export interface ProposalOptions {
  readonly signal?: AbortSignal | undefined;
  /** Absent: the process itself, which may everything. */
  readonly caller?: Caller | undefined;
}

type ResultOf<T extends Command["type"]> = Extract<CommandResult, { type: T }>;

/** One member as its services see it: the replicated state, the way to change it, the response header. */
export class Backend {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly store: MvccStore;
  readonly hub: WatchHub;
  readonly lessor: Lessor;
  readonly log: ReplicatedLog;
  readonly limits: Limits;
  readonly version: string;
  /** Who calls, and what they may. */
  readonly guard: AuthGuard;
  /** Who leads; kept by the member from the log's events. */
  readonly leadership: LeaderWatch;
  /** True while this member has no vote; kept by the member likewise. */
  learner = false;
  #header: ResponseHeader;

  constructor(parts: BackendParts) {
    this.clusterId = parts.clusterId;
    this.memberId = parts.memberId;
    this.store = parts.store;
    this.hub = parts.hub;
    this.lessor = parts.lessor;
    this.log = parts.log;
    this.limits = parts.limits;
    // Three elections, as etcd: about as long as one can take that goes wrong at first.
    this.leadership = new LeaderWatch(3 * parts.electionMs);
    this.version = parts.version;
    const { store, tokens } = parts;
    this.guard = new AuthGuard(store, tokens, (signal) => this.readBarrier(signal));
    store.onAuth = (change, index) => tokens.changed(change, index);
    this.#header = this.#headerAt(0, 0);
  }

  #headerAt(revision: number, raftTerm: number): ResponseHeader {
    return { clusterId: this.clusterId, memberId: this.memberId, revision, raftTerm };
  }

  /** The header of a response that tells of `revision`; the same object while nothing changes. */
  header(revision: number = this.store.revision): ResponseHeader {
    const term = this.store.appliedTerm;
    if (this.#header.revision !== revision || this.#header.raftTerm !== term) {
      this.#header = this.#headerAt(revision, term);
    }
    return this.#header;
  }

  /**
   * Replicates a command; its own error, or the log's, comes as a KvError. What the log has
   * certainly not taken is proposed again until a leader is there, as long as the log itself
   * would wait. While authentication is on it goes in the name of `author`, by default the process
   * itself, which may everything.
   */
  async propose<T extends PlainCommand["type"]>(
    command: PlainCommand & { readonly type: T },
    signal?: AbortSignal,
    author: Author = TRUSTED,
  ): Promise<ResultOf<T>> {
    const enabled = this.guard.enabled;
    const sent: Command = enabled ? { type: "authored", author, command } : command;
    const result = await this.#proposeUntilTaken(sent, signal);
    if (result.type !== "error") return result as ResultOf<T>;
    // Authentication was switched on while the command was on its way without an author.
    if (result.error.code === "user-empty" && author.trusted && !enabled && this.guard.enabled) {
      return await this.propose<T>(command, signal, author);
    }
    throw result.error;
  }

  /**
   * Replicates what somebody asks for, in their name. Who that is is found out only while authentication
   * is on: this is on the way of every write.
   */
  proposeFor<T extends PlainCommand["type"]>(
    command: PlainCommand & { readonly type: T },
    options: ProposalOptions | undefined,
  ): Promise<ResultOf<T>> {
    const { guard } = this;
    const signal = options?.signal;
    if (options?.caller === undefined) return this.propose<T>(command, signal);
    if (!guard.enabled) return this.propose<T>(command, signal, NOBODY);
    return guard
      .author(options.caller, signal)
      .then((author) => this.propose<T>(command, signal, author));
  }

  async #proposeUntilTaken(command: Command, signal?: AbortSignal): Promise<CommandResult> {
    const options = signal === undefined ? undefined : { signal };
    const deadline = performance.now() + this.limits.requestTimeoutMs;
    for (let refusals = 0; ; ) {
      try {
        return await this.log.propose(command, options);
      } catch (error) {
        if (!RaftError.is(error) || error.code !== "proposal-dropped") throw toKvError(error);
        if (this.leadership.leader !== 0 && ++refusals > REFUSALS_MAX) {
          throw new KvError("too-many-requests", undefined, { cause: error });
        }
        if (performance.now() >= deadline) throw toKvError(error);
      }
      await sleep(RETRY_MS, undefined, options).catch((error: unknown) => {
        throw toKvError(error);
      });
    }
  }

  /** After it a read sees every write that was acknowledged before it began. */
  async readBarrier(signal?: AbortSignal): Promise<void> {
    try {
      await this.log.readBarrier(signal === undefined ? undefined : { signal });
    } catch (error) {
      throw toKvError(error);
    }
  }

  /** Refuses what would grow the store beyond its quota. */
  checkQuota(requestBytes: number): void {
    if (this.store.sizeBytes + requestBytes > this.limits.quotaBytes) {
      throw new KvError("no-space");
    }
  }

  checkSize(requestBytes: number): void {
    if (requestBytes > this.limits.maxRequestBytes) throw new KvError("request-too-large");
  }

  /** A learner answers only Status and serializable ranges. */
  checkNotLearner(): void {
    if (this.learner) throw new KvError("learner-not-supported");
  }
}

/** Consensus' errors as etcd names them; the cause is kept. */
export function toKvError(error: unknown): KvError {
  if (KvError.is(error)) return error;
  const cause = { cause: error };
  if (!RaftError.is(error)) {
    const message = error instanceof Error ? error.message : String(error);
    const cancelled = error instanceof Error && error.name === "AbortError";
    return new KvError(cancelled ? "cancelled" : "internal", message, cause);
  }
  switch (error.code) {
    case "proposal-dropped":
      return new KvError("no-leader", undefined, cause);
    case "proposal-uncertain":
    case "read-unavailable":
      return new KvError("timeout", undefined, cause);
    case "stopped":
    case "storage-failed":
      return new KvError("stopped", undefined, cause);
    case "disk-full":
      return new KvError("no-space", undefined, cause);
    default:
      return new KvError("internal", error.message, cause);
  }
}
