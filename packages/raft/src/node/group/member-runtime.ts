import { EventEmitter } from "node:events";
import {
  type ConfState,
  NONE,
  type NodeId,
  RaftError,
  RawNode,
  Role,
  type SoftState,
} from "../../index.js";
import type { OpenedStorage } from "../storage/storage.js";
import type { TransportHandlers } from "../types.js";
import { Driver, type DriverHost } from "./driver.js";
import { ProposalQueue } from "./proposal-queue.js";
import { Proposals } from "./proposals.js";
import { Reads } from "./reads.js";
import type { Settings } from "./settings.js";
import { Ticker } from "./ticker.js";
import { Waits } from "./waits.js";

const MEBIBYTE = 1024 * 1024;
/** Ticks after which an unanswered read round is asked again. */
const READ_RETRY_TICKS = 5;
/** Election timeouts between attempts at a snapshot that a member waits for. */
const SNAPSHOT_RETRY_ELECTIONS = 5;

/** An open member's parts, and what happens between them: the calls of `RaftGroup` work on it. */
export class MemberRuntime<Command, Result> {
  readonly settings: Settings<Command, Result>;
  readonly storage: OpenedStorage;
  readonly driver: Driver<Command, Result>;
  readonly proposals: Proposals;
  readonly queue: ProposalQueue;
  readonly reads: Reads;
  readonly waits: Waits = new Waits();
  readonly events: EventEmitter = new EventEmitter();
  readonly #ticker: Ticker;
  #soft: SoftState = { lead: NONE, role: Role.Follower };
  #failure: RaftError | null = null;
  #diskFull = false;
  #opened: { index: number; resolve: () => void; reject: (error: Error) => void } | null = null;

  constructor(
    settings: Settings<Command, Result>,
    storage: OpenedStorage,
    random: (n: number) => number,
  ) {
    const { id, clock, metrics, maxPendingProposals: count, maxPendingBytes: bytes } = settings;
    this.settings = settings;
    this.storage = storage;
    this.events.setMaxListeners(0);
    this.proposals = new Proposals(id, { count, bytes }, metrics);
    const raw = new RawNode({
      id,
      electionTick: settings.electionTicks,
      heartbeatTick: settings.heartbeatTicks,
      storage: storage.memory,
      applied: storage.snapshot?.metadata.index ?? 0,
      asyncStorageWrites: true,
      maxSizePerMsg: MEBIBYTE,
      maxCommittedSizePerReady: MEBIBYTE,
      maxUncommittedSize: settings.maxUncommittedBytes,
      maxInflightMsgs: 256,
      maxInflightBytes: 32 * MEBIBYTE,
      checkQuorum: true,
      preVote: true,
      stepDownOnRemoval: true,
      priority: settings.priority,
      random,
    });
    this.driver = new Driver({
      id,
      raw,
      storage,
      transport: settings.transport,
      stateMachine: settings.stateMachine,
      codec: settings.codec,
      clock,
      snapshotEntries: settings.snapshotEntries,
      snapshotBytes: settings.snapshotBytes,
      keepEntries: settings.keepEntries,
      snapshotRetryMs: SNAPSHOT_RETRY_ELECTIONS * settings.electionTicks * settings.tickMs,
      metrics,
      host: this.#host(),
    });
    this.queue = new ProposalQueue(id, raw, this.proposals, (message) => this.driver.send(message));
    this.reads = new Reads(id, metrics, (context) => {
      raw.readIndex(context);
      this.driver.schedule();
    });
    this.#ticker = Ticker.of(clock, settings.tickMs);
  }

  get leads(): boolean {
    return this.#soft.role === Role.Leader && this.#failure === null;
  }

  /** The leader as far as known, or `NONE`. */
  get leader(): NodeId {
    return this.driver.raw.basicStatus().lead;
  }

  get diskFull(): boolean {
    return this.#diskFull;
  }

  /** Applies what is known to be committed, then takes part. */
  async start(): Promise<void> {
    const { commit } = this.storage.hardState;
    if (this.driver.applied < commit) {
      const replayed = new Promise<void>((resolve, reject) => {
        this.#opened = { index: commit, resolve, reject };
      });
      this.driver.schedule();
      await replayed;
      this.#opened = null;
    }
    this.#setPeers();
    await this.settings.transport.start(this.#handlers());
    this.#ticker.add(this.#tick);
    const { voters, votersOutgoing }: ConfState = this.driver.membership.confState;
    const alone = voters.length === 1 && votersOutgoing.length === 0;
    if (alone && voters[0] === this.settings.id) this.driver.raw.campaign();
    this.driver.schedule();
  }

  async close(): Promise<void> {
    this.#ticker.remove(this.#tick);
    this.#failure ??= new RaftError("stopped", "the group was closed");
    this.#rejectAll(this.#failure);
    await Promise.all([this.driver.stop(), this.settings.transport[Symbol.asyncDispose]()]);
    await this.storage.close();
  }

  /** @throws RaftError what ended this member */
  checkRunning(): void {
    if (this.#failure) throw this.#failure;
  }

  /** @throws RaftError why a proposal of `bytes` is not taken now */
  checkProposable(bytes: number): void {
    this.checkRunning();
    if (this.#diskFull) throw new RaftError("disk-full", "no space left for the log");
    this.proposals.checkRoom(bytes);
  }

  /** When a call of now has waited long enough. */
  deadline(): number {
    return this.settings.clock.now() + this.settings.requestTimeoutMs;
  }

  /** Resolves once one configuration alone counts. */
  async untilNotJoint(signal: AbortSignal | undefined): Promise<void> {
    await this.waits.until(() => this.driver.membership.confState.votersOutgoing.length === 0, {
      deadline: this.deadline(),
      signal,
      expired: () => new RaftError("proposal-uncertain", "both configurations still count"),
    });
  }

  /** The voter to hand leadership to. @throws RaftError `invalid-config` where there is none, or this is not the leader */
  bestSuccessor(): NodeId {
    const { progress } = this.driver.raw.status();
    const others = [...progress].filter(([id, of]) => id !== this.settings.id && !of.isLearner);
    others.sort(([, a], [, b]) => {
      return Number(b.recentActive) - Number(a.recentActive) || b.match - a.match;
    });
    const best = others[0];
    if (best) return best[0];
    throw new RaftError("invalid-config", "there is nobody to hand leadership to, or none to give");
  }

  setDiskFull(full: boolean): void {
    this.#diskFull = full;
    if (full) this.#handOver();
  }

  #host(): DriverHost {
    return {
      beforeReady: () => {
        this.reads.begin();
        this.queue.flush();
      },
      afterReady: () => this.queue.refuseUnlogged(),
      soft: (state) => this.#setSoft(state),
      readStates: (states) => {
        for (const state of states) this.reads.confirm(state, this.driver.applied);
      },
      proposed: (message) => {
        this.queue.receive(message, this.#diskFull ? "it has no space left for its log" : null);
      },
      changeLogged: (id) => this.queue.changeLogged(id),
      settled: (id, result) => this.proposals.settle(id, result),
      termBegan: (term) => this.proposals.termBegan(term),
      applied: (index) => {
        this.reads.applied(index);
        if (this.#opened && index >= this.#opened.index) this.#opened.resolve();
      },
      membersChanged: () => {
        this.#setPeers();
        this.#checkWaits();
        this.events.emit("members", this.driver.membership.list());
      },
      restored: (index, term) => {
        const message = "this member was restored from a snapshot, which hides what became of it";
        this.proposals.failAll("proposal-uncertain", message);
        this.events.emit("snapshot", { index, term, source: "received" });
      },
      snapshotTaken: (index, term) => {
        this.#checkWaits();
        this.events.emit("snapshot", { index, term, source: "taken" });
      },
      fatal: (error) => this.#fatal(error),
    };
  }

  #handlers(): TransportHandlers {
    const { snapshots } = this.storage;
    return {
      receive: (messages) => this.driver.receive(messages),
      unreachable: (id) => this.driver.unreachable(id),
      snapshotSent: (id, ok) => {
        if (this.#failure) return;
        this.driver.raw.reportSnapshot(id, ok);
        this.driver.schedule();
      },
      openSnapshot: (index, from) => snapshots.bytes(index, from),
      snapshotLength: (index, term) => snapshots.receivedLength({ index, term }),
      storeSnapshot: (index, term, chunks, from) =>
        snapshots.receive({ index, term }, chunks, from),
    };
  }

  readonly #tick = (lateMs: number): void => {
    this.settings.metrics?.observe("tick_late_seconds", Math.max(0, lateMs) / 1000);
    try {
      this.driver.raw.tick();
    } catch (error) {
      this.driver.fail(error);
      return;
    }
    const now = this.settings.clock.now();
    this.proposals.expire(now);
    this.reads.tick(now, READ_RETRY_TICKS);
    this.waits.check(now);
    this.driver.schedule();
  };

  #checkWaits(): void {
    this.waits.check(this.settings.clock.now());
  }

  #setSoft(state: SoftState): void {
    const before = this.#soft;
    this.#soft = state;
    if (state.lead === before.lead) return;
    if (state.lead !== NONE) this.settings.metrics?.count("leader_changes", 1);
    this.reads.restart();
    this.#checkWaits();
    const { term } = this.driver.raw.basicStatus();
    this.events.emit("leader", state.lead, term);
    if (this.#diskFull) this.#handOver();
  }

  #setPeers(): void {
    const { id, members, transport } = this.settings;
    const known = this.driver.membership.list();
    // A member that joins knows nobody until it is sent the log: it is told where the others are.
    const all = known.length > 0 ? known : members;
    transport.setPeers(all.filter((member) => member.id !== id));
  }

  /** A leader that cannot write much longer gives way to a voter that is up to date. */
  #handOver(): void {
    if (!this.leads) return;
    const { voters } = this.driver.membership.confState;
    if (voters.every((id) => id === this.settings.id)) return;
    this.driver.raw.transferLeader(this.bestSuccessor());
    this.driver.schedule();
  }

  #fatal(error: Error): void {
    if (this.#failure) return;
    this.#failure = RaftError.is(error)
      ? error
      : new RaftError("storage-failed", `the member cannot go on: ${error.message}`, {
          cause: error,
        });
    this.#ticker.remove(this.#tick);
    this.#rejectAll(this.#failure);
    this.#opened?.reject(this.#failure);
    // Its peers must see it gone, rather than wait for one that will not answer.
    this.settings.transport[Symbol.asyncDispose]().then(
      () => {},
      () => {},
    );
    this.events.emit("fatal", this.#failure);
  }

  #rejectAll(error: RaftError): void {
    this.queue.clear();
    this.proposals.failAll(error.code, error.message, error);
    this.reads.failAll(error);
    this.waits.failAll(error);
  }
}
