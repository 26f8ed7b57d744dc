import { EventEmitter } from "node:events";
import {
  ConfChangeType,
  type ConfState,
  NONE,
  type NodeId,
  RaftError,
  RawNode,
  type ReadState,
  Role,
  type SoftState,
} from "../../index.js";
import type { ProposeOptions, RaftGroupEvents, RaftGroupOptions, WaitOptions } from "../options.js";
import { type OpenedStorage, openStorage } from "../storage/storage.js";
import type { GroupStatus, Member, TransportHandlers } from "../types.js";
import { Ticker } from "./clock.js";
import { Driver, type DriverHost } from "./driver.js";
import { changeOf, encodeChangeContext } from "./membership.js";
import { ProposalQueue } from "./proposal-queue.js";
import { Proposals, wrapCommand } from "./proposals.js";
import { Reads } from "./reads.js";
import { resolveSettings, type Settings } from "./settings.js";
import { Transfers } from "./transfers.js";

const MEBIBYTE = 1024 * 1024;
/** Ticks after which an unanswered read round is asked again. */
const READ_RETRY_TICKS = 5;
/** Election timeouts between attempts at a snapshot that a member waits for. */
const SNAPSHOT_RETRY_ELECTIONS = 5;

/**
 * One member of a group that replicates a state machine.
 *
 * Guarantees: a result is given only after the command is durable on a majority and applied here.
 * `proposal-dropped` means that it has not taken and will not take effect; `proposal-uncertain`
 * that it may have. No proposal is repeated by the group itself.
 *
 * After `fatal` (a failed fsync, damage found, a state machine that threw) the member is dead: every
 * call rejects with that error, and the process should exit and start anew.
 *
 * @example
 * ```ts
 * const group = await RaftGroup.open({
 *   id: 1, clusterId: "demo", members: [{ id: 1, address: "", context: new Uint8Array(), learner: false }],
 *   storage: "memory", transport: new MemoryNetwork().transport(1), stateMachine, codec,
 * });
 * await group.propose("add 1");
 * await group.readBarrier();
 * ```
 */
export class RaftGroup<Command, Result> implements AsyncDisposable {
  readonly #settings: Settings<Command, Result>;
  readonly #driver: Driver<Command, Result>;
  readonly #storage: OpenedStorage;
  readonly #proposals: Proposals;
  readonly #queue: ProposalQueue;
  readonly #transfers = new Transfers();
  readonly #reads: Reads;
  readonly #ticker: Ticker;
  readonly #events = new EventEmitter();
  #soft: SoftState = { lead: NONE, role: Role.Follower };
  #failure: RaftError | null = null;
  #diskFull = false;
  #closing: Promise<void> | null = null;
  #opened: { index: number; resolve: () => void; reject: (error: Error) => void } | null = null;

  private constructor(
    settings: Settings<Command, Result>,
    storage: OpenedStorage,
    random: (n: number) => number,
  ) {
    const { id, clock, tickMs, stateMachine, codec, transport } = settings;
    this.#settings = settings;
    this.#storage = storage;
    this.#proposals = new Proposals(id);
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
      random,
    });
    this.#driver = new Driver({
      id,
      raw,
      storage,
      transport,
      stateMachine,
      codec,
      clock,
      snapshotEntries: settings.snapshotEntries,
      snapshotBytes: settings.snapshotBytes,
      keepEntries: settings.keepEntries,
      snapshotRetryMs: SNAPSHOT_RETRY_ELECTIONS * settings.electionTicks * tickMs,
      host: this.#host(),
    });
    this.#queue = new ProposalQueue(id, raw, this.#proposals, (message) => {
      this.#driver.send(message);
    });
    this.#reads = new Reads(id, (context) => {
      raw.readIndex(context);
      this.#driver.schedule();
    });
    this.#ticker = new Ticker(clock, tickMs, () => this.#tick());
  }

  /**
   * Opens a member: reads its folder, restores the state machine, applies what is known to be
   * committed, and starts the transport. Resolves without waiting for a leader.
   *
   * @throws RaftError `invalid-config`, `wrong-cluster`, `corrupt`, `disk-full`, `storage-failed`;
   * the transport's error when its address is in use. Nothing stays open then.
   */
  static async open<Command, Result>(
    options: RaftGroupOptions<Command, Result>,
  ): Promise<RaftGroup<Command, Result>> {
    const settings = resolveSettings(options);
    const random = options.random ?? Math.random;
    const told: { group: RaftGroup<Command, Result> | null; full: boolean } = {
      group: null,
      full: false,
    };
    const storage = await prepare(options, (full) => {
      told.full = full;
      if (told.group) told.group.#setDiskFull(full);
    });
    let group: RaftGroup<Command, Result> | null = null;
    try {
      const { snapshot, snapshots } = storage;
      if (snapshot) {
        const { index, term } = snapshot.metadata;
        const state = snapshots.state({ index, term });
        await options.stateMachine.restore(state, { index, term });
      }
      const draw = (n: number): number => Math.floor(random() * n);
      group = new RaftGroup(settings, storage, draw);
      told.group = group;
      group.#diskFull = told.full;
      await group.#start();
      return group;
    } catch (error) {
      if (group) await group.close();
      else await Promise.all([storage.close(), options.transport[Symbol.asyncDispose]()]);
      throw error;
    }
  }

  /** True while this member believes that it leads; a fresh proof costs a `readBarrier`. */
  get isLeader(): boolean {
    return this.#soft.role === Role.Leader && this.#failure === null;
  }

  /**
   * Replicates a command; resolves with what the state machine made of it on this member. A
   * follower's goes to the leader.
   *
   * @throws RaftError `proposal-dropped` (safe to repeat: no leader, too much uncommitted, not the
   * leader with `onlyAsLeader`), `proposal-uncertain` (may have taken effect), `disk-full`,
   * `storage-failed`, `stopped`
   */
  async propose(command: Command, options: ProposeOptions = {}): Promise<Result> {
    this.#checkProposable();
    options.signal?.throwIfAborted();
    const bytes = this.#settings.codec.encode(command);
    if (bytes.length > this.#settings.maxCommandBytes) {
      const message = `the command has ${bytes.length} bytes, more than maxCommandBytes`;
      throw new RaftError("proposal-dropped", message);
    }
    const { id, result } = this.#proposals.open<Result>(this.#deadline(), options.signal);
    const leaderTerm = options.onlyAsLeader ? (options.term ?? 0) : null;
    this.#queue.add(id, wrapCommand(id, bytes), leaderTerm);
    this.#driver.schedule();
    return await result;
  }

  /**
   * Resolves with an index that is at or after everything acknowledged before the call, once it is
   * applied here: what is read from the state machine then is linearizable. On any member.
   *
   * @throws RaftError `read-unavailable`, `stopped`; the signal's reason
   */
  async readBarrier(options: WaitOptions = {}): Promise<number> {
    this.#checkRunning();
    options.signal?.throwIfAborted();
    const read = this.#reads.wait(this.#deadline(), options.signal);
    this.#driver.schedule();
    return await read;
  }

  /** Adds a voting member; start it with `join: true`. A learner that is promoted costs less time without quorum. */
  async addMember(member: Omit<Member, "learner">, options: WaitOptions = {}): Promise<void> {
    await this.#change(ConfChangeType.AddNode, { ...member, learner: false }, options);
  }

  /** Adds a member that is sent everything and has no vote. */
  async addLearner(member: Omit<Member, "learner">, options: WaitOptions = {}): Promise<void> {
    await this.#change(ConfChangeType.AddLearnerNode, { ...member, learner: true }, options);
  }

  /** Gives a learner a vote. */
  async promote(id: NodeId, options: WaitOptions = {}): Promise<void> {
    const member = this.#known(id);
    await this.#change(ConfChangeType.AddNode, { ...member, learner: false }, options);
  }

  async removeMember(id: NodeId, options: WaitOptions = {}): Promise<void> {
    await this.#change(ConfChangeType.RemoveNode, this.#known(id), options);
  }

  /** Changes a member's address or context. */
  async updateMember(member: Omit<Member, "learner">, options: WaitOptions = {}): Promise<void> {
    const { learner } = this.#known(member.id);
    await this.#change(ConfChangeType.UpdateNode, { ...member, learner }, options);
  }

  /** Hands leadership to a voter; resolves when it leads. @throws RaftError `proposal-dropped` when it did not within two election timeouts */
  async transferLeadership(to: NodeId): Promise<void> {
    this.#checkRunning();
    if (this.#soft.lead === to) return;
    const ticks = 2 * this.#settings.electionTicks;
    const led = this.#transfers.wait(to, ticks);
    this.#driver.raw.transferLeader(to);
    this.#driver.schedule();
    await led;
  }

  /** All members as of the last applied entry, by ID. */
  members(): readonly Member[] {
    return this.#driver.membership.list();
  }

  status(): GroupStatus {
    const { id, clusterId } = this.#settings;
    const { role, lead, term, commit, progress } = this.#driver.raw.status();
    const { memory } = this.#storage;
    const { snapshotter, membership, applied } = this.#driver;
    return {
      id,
      clusterId,
      role,
      leader: lead,
      term,
      commit,
      applied,
      lastIndex: memory.lastIndex(),
      firstIndex: memory.firstIndex(),
      snapshotIndex: snapshotter.newest,
      confState: membership.confState,
      diskFull: this.#diskFull,
      snapshotError: snapshotter.lastError,
      progress,
    };
  }

  on<Name extends keyof RaftGroupEvents>(
    name: Name,
    listener: (...values: RaftGroupEvents[Name]) => void,
  ): this {
    this.#events.on(name, listener);
    return this;
  }

  off<Name extends keyof RaftGroupEvents>(
    name: Name,
    listener: (...values: RaftGroupEvents[Name]) => void,
  ): this {
    this.#events.off(name, listener);
    return this;
  }

  /**
   * Stops this member. It writes nothing more: what was not durable is as after a crash, and what
   * waits is rejected with `stopped`. Transfer leadership first for a shutdown that nobody notices.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(): Promise<void> {
    const { commit } = this.#storage.hardState;
    if (this.#driver.applied < commit) {
      const replayed = new Promise<void>((resolve, reject) => {
        this.#opened = { index: commit, resolve, reject };
      });
      this.#driver.schedule();
      await replayed;
      this.#opened = null;
    }
    this.#setPeers();
    await this.#settings.transport.start(this.#handlers());
    this.#ticker.start();
    const { voters, votersOutgoing }: ConfState = this.#driver.membership.confState;
    const alone = voters.length === 1 && votersOutgoing.length === 0;
    if (alone && voters[0] === this.#settings.id) this.#driver.raw.campaign();
    this.#driver.schedule();
  }

  async #close(): Promise<void> {
    this.#ticker.stop();
    this.#failure ??= new RaftError("stopped", "the group was closed");
    this.#rejectAll(this.#failure);
    await Promise.all([this.#driver.stop(), this.#settings.transport[Symbol.asyncDispose]()]);
    await this.#storage.close();
  }

  #host(): DriverHost {
    return {
      beforeReady: () => {
        this.#reads.begin();
        this.#queue.flush();
      },
      afterReady: () => this.#queue.refuseUnlogged(),
      soft: (state) => this.#setSoft(state),
      readStates: (states) => this.#confirmReads(states),
      proposed: (message) => {
        this.#queue.receive(message, this.#diskFull ? "it has no space left for its log" : null);
      },
      changeLogged: (id) => this.#queue.changeLogged(id),
      settled: (id, result) => this.#proposals.settle(id, result),
      termBegan: (term) => this.#proposals.termBegan(term),
      applied: (index) => {
        this.#reads.applied(index);
        if (this.#opened && index >= this.#opened.index) this.#opened.resolve();
      },
      membersChanged: () => {
        this.#setPeers();
        this.#events.emit("members", this.members());
      },
      restored: () => {
        const message = "this member was restored from a snapshot, which hides what became of it";
        this.#proposals.failAll("proposal-uncertain", message);
      },
      fatal: (error) => this.#fatal(error),
    };
  }

  #handlers(): TransportHandlers {
    const { snapshots } = this.#storage;
    const { raw } = this.#driver;
    const report = (work: () => void): void => {
      if (this.#failure) return;
      work();
      this.#driver.schedule();
    };
    return {
      receive: (messages) => this.#driver.receive(messages),
      unreachable: (id) => report(() => raw.reportUnreachable(id)),
      snapshotSent: (id, ok) => report(() => raw.reportSnapshot(id, ok)),
      openSnapshot: (index) => snapshots.bytes(index),
      storeSnapshot: (index, term, chunks) => snapshots.receive({ index, term }, chunks),
    };
  }

  #tick(): void {
    const now = this.#settings.clock.now();
    this.#driver.raw.tick();
    this.#proposals.expire(now);
    this.#reads.tick(now, READ_RETRY_TICKS);
    this.#transfers.tick();
    this.#driver.schedule();
  }

  async #change(type: ConfChangeType, member: Member, { signal }: WaitOptions): Promise<void> {
    this.#checkProposable();
    signal?.throwIfAborted();
    const { id, result } = this.#proposals.open<void>(this.#deadline(), signal);
    this.#queue.change(id, changeOf(type, member.id, encodeChangeContext(id, [member])));
    this.#driver.schedule();
    await result;
  }

  #setSoft(state: SoftState): void {
    const before = this.#soft;
    this.#soft = state;
    if (state.lead === before.lead) return;
    this.#reads.restart();
    this.#transfers.leads(state.lead);
    const { term } = this.#driver.raw.basicStatus();
    this.#events.emit("leader", state.lead, term);
    if (this.#diskFull) this.#handOver();
  }

  #confirmReads(states: readonly ReadState[]): void {
    for (const state of states) this.#reads.confirm(state, this.#driver.applied);
  }

  #setPeers(): void {
    const { id, members, transport } = this.#settings;
    const known = this.#driver.membership.list();
    // A member that joins knows nobody until it is sent the log: it is told where the others are.
    const all = known.length > 0 ? known : members;
    transport.setPeers(all.filter((member) => member.id !== id));
  }

  #setDiskFull(full: boolean): void {
    this.#diskFull = full;
    if (full) this.#handOver();
  }

  /** A leader that cannot write much longer gives way to a voter that is up to date. */
  #handOver(): void {
    if (!this.isLeader) return;
    const { voters } = this.#driver.membership.confState;
    const other = voters.find((id) => id !== this.#settings.id);
    if (other === undefined) return;
    this.#driver.raw.transferLeader(other);
    this.#driver.schedule();
  }

  #fatal(error: Error): void {
    if (this.#failure) return;
    this.#failure = RaftError.is(error)
      ? error
      : new RaftError("storage-failed", `the member cannot go on: ${error.message}`, {
          cause: error,
        });
    this.#ticker.stop();
    this.#rejectAll(this.#failure);
    this.#opened?.reject(this.#failure);
    // Its peers must see it gone, rather than wait for one that will not answer.
    this.#settings.transport[Symbol.asyncDispose]().then(
      () => {},
      () => {},
    );
    this.#events.emit("fatal", this.#failure);
  }

  #rejectAll(error: RaftError): void {
    this.#queue.clear();
    this.#proposals.failAll(error.code, error.message, error);
    this.#reads.failAll(error);
    this.#transfers.failAll(error);
  }

  #known(id: NodeId): Member {
    const member = this.#driver.membership.get(id);
    if (member) return member;
    throw new RaftError("invalid-config", `there is no member ${id}`);
  }

  #checkRunning(): void {
    if (this.#failure) throw this.#failure;
  }

  #checkProposable(): void {
    this.#checkRunning();
    if (this.#diskFull) throw new RaftError("disk-full", "no space left for the log");
    if (this.#proposals.size >= this.#settings.maxPendingProposals) {
      throw new RaftError("proposal-dropped", "maxPendingProposals are waiting");
    }
  }

  #deadline(): number {
    return this.#settings.clock.now() + this.#settings.requestTimeoutMs;
  }
}

/** The address first, then the folder; nothing stays open when one of them cannot be had. */
async function prepare<Command, Result>(
  options: RaftGroupOptions<Command, Result>,
  onDiskFull: (full: boolean) => void,
): Promise<OpenedStorage> {
  try {
    await options.transport.bind?.();
    return await openStorage(options, onDiskFull);
  } catch (error) {
    await options.transport[Symbol.asyncDispose]();
    throw error;
  }
}
