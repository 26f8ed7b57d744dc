import { NONE, type NodeId, RaftError } from "../../index.js";
import { NodeDisk } from "../disk/node-disk.js";
import { measuredDisk } from "../metrics/measured-disk.js";
import type {
  MemberChange,
  ProposeOptions,
  RaftGroupEvents,
  RaftGroupOptions,
  WaitOptions,
} from "../options.js";
import { type OpenedStorage, openStorage } from "../storage/storage.js";
import type { GroupStatus, Member } from "../types.js";
import { MemberRuntime } from "./member-runtime.js";
import { MembershipCalls } from "./membership-calls.js";
import { wrapCommand } from "./proposals.js";
import { resolveSettings } from "./settings.js";

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
  readonly #runtime: MemberRuntime<Command, Result>;
  readonly #membership: MembershipCalls<Command, Result>;
  #closing: Promise<void> | null = null;

  private constructor(runtime: MemberRuntime<Command, Result>) {
    this.#runtime = runtime;
    this.#membership = new MembershipCalls(runtime);
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
    const told: { runtime: MemberRuntime<Command, Result> | null; full: boolean } = {
      runtime: null,
      full: false,
    };
    const storage = await prepare(options, (full) => {
      told.full = full;
      told.runtime?.setDiskFull(full);
    });
    let runtime: MemberRuntime<Command, Result> | null = null;
    try {
      const { snapshot, snapshots } = storage;
      if (snapshot) {
        const { index, term } = snapshot.metadata;
        const state = snapshots.state({ index, term });
        await options.stateMachine.restore(state, { index, term });
      }
      const draw = (n: number): number => Math.floor(random() * n);
      runtime = new MemberRuntime(settings, storage, draw);
      told.runtime = runtime;
      runtime.setDiskFull(told.full);
      await runtime.start();
      return new RaftGroup(runtime);
    } catch (error) {
      if (runtime) await runtime.close();
      else await Promise.all([storage.close(), options.transport[Symbol.asyncDispose]()]);
      throw error;
    }
  }

  /** True while this member believes that it leads; a fresh proof costs a `readBarrier`. */
  get isLeader(): boolean {
    return this.#runtime.leads;
  }

  /**
   * Replicates a command; resolves with what the state machine made of it on this member. A
   * follower's goes to the leader. It never waits for room: when too much is waiting it rejects at
   * once, and it is the caller's to slow down.
   *
   * @throws RaftError `proposal-dropped` (safe to repeat: no leader, too much waiting or uncommitted,
   * too large, not the leader with `onlyAsLeader`), `proposal-uncertain` (may have taken effect),
   * `disk-full`, `storage-failed`, `stopped`
   *
   * @example
   * ```ts
   * try {
   *   await group.propose(command, { signal: AbortSignal.timeout(1_000) });
   * } catch (error) {
   *   if (RaftError.is(error) && error.code === "proposal-dropped") retryLater(command);
   * }
   * ```
   */
  async propose(command: Command, options: ProposeOptions = {}): Promise<Result> {
    const { proposals, queue, driver, settings } = this.#runtime;
    this.#runtime.checkProposable(0);
    options.signal?.throwIfAborted();
    const bytes = settings.codec.encode(command);
    if (bytes.length > settings.maxCommandBytes) {
      const message = `the command has ${bytes.length} bytes, more than maxCommandBytes`;
      throw new RaftError("proposal-dropped", message);
    }
    proposals.checkRoom(bytes.length);
    const deadline = this.#runtime.deadline();
    const { id, result } = proposals.open<Result>(bytes.length, deadline, options.signal);
    const leaderTerm = options.onlyAsLeader ? (options.term ?? 0) : null;
    queue.add(id, wrapCommand(id, bytes), leaderTerm);
    driver.schedule();
    return await result;
  }

  /**
   * Resolves with an index that is at or after everything acknowledged before the call, once it is
   * applied here: what is read from the state machine then is linearizable. On any member.
   *
   * @throws RaftError `read-unavailable`, `stopped`; the signal's reason
   */
  async readBarrier(options: WaitOptions = {}): Promise<number> {
    this.#runtime.checkRunning();
    options.signal?.throwIfAborted();
    const read = this.#runtime.reads.wait(this.#runtime.deadline(), options.signal);
    this.#runtime.driver.schedule();
    return await read;
  }

  /**
   * Resolves with the leader's ID once this member knows one, at once where it does.
   *
   * @throws RaftError `stopped` and others when this member ends; the signal's reason
   */
  async waitForLeader(options: WaitOptions = {}): Promise<NodeId> {
    this.#runtime.checkRunning();
    await this.#runtime.waits.until(() => this.#runtime.leader !== NONE, {
      deadline: Number.POSITIVE_INFINITY,
      signal: options.signal,
      expired: () => new RaftError("unavailable", "there is no leader"),
    });
    return this.#runtime.leader;
  }

  /**
   * Adds a voting member; start it with `join: true`. A learner that is promoted costs less time
   * without quorum.
   *
   * @throws RaftError as `propose` does; `proposal-dropped` also while another change is under way
   */
  async addMember(member: Omit<Member, "learner">, options: WaitOptions = {}): Promise<void> {
    await this.#membership.change([{ type: "add", member }], options);
  }

  /** Adds a member that is sent everything and has no vote. @throws RaftError as `addMember` does */
  async addLearner(member: Omit<Member, "learner">, options: WaitOptions = {}): Promise<void> {
    await this.#membership.change([{ type: "add-learner", member }], options);
  }

  /** Gives a learner a vote; see `waitForMember`. @throws RaftError as `addMember` does; `invalid-config` for a stranger */
  async promote(id: NodeId, options: WaitOptions = {}): Promise<void> {
    await this.#membership.change([{ type: "promote", id }], options);
  }

  /** Takes a voter's vote and keeps it as a learner. @throws RaftError as `promote` does */
  async demote(id: NodeId, options: WaitOptions = {}): Promise<void> {
    await this.#membership.change([{ type: "demote", id }], options);
  }

  /** Removes a member; it learns of it and then hears nothing more. @throws RaftError as `promote` does */
  async removeMember(id: NodeId, options: WaitOptions = {}): Promise<void> {
    await this.#membership.change([{ type: "remove", id }], options);
  }

  /** Changes a member's address or context. @throws RaftError as `promote` does */
  async updateMember(member: Omit<Member, "learner">, options: WaitOptions = {}): Promise<void> {
    await this.#membership.update(member, options);
  }

  /**
   * Makes several changes at once by joint consensus (Raft dissertation, section 4.3): in between, both
   * the old and the new voters must agree, so that the group is never in a configuration that was not
   * asked for. Resolves once the new one alone counts.
   *
   * @throws RaftError as `promote` does; `invalid-config` when a member is named twice.
   * `proposal-uncertain` also when the first step is done and the second is not yet: it follows by
   * itself.
   *
   * @example
   * ```ts
   * await group.changeMembers([
   *   { type: "add", member: { id: 4, address: "10.0.0.4:7400", context: new Uint8Array() } },
   *   { type: "remove", id: 1 },
   * ]);
   * ```
   */
  async changeMembers(changes: readonly MemberChange[], options: WaitOptions = {}): Promise<void> {
    await this.#membership.change(changes, options);
  }

  /**
   * Hands leadership to a voter; resolves when it leads. Without `to`, which only the leader may leave
   * out, it goes to the one that is furthest of those that were heard from of late.
   *
   * @throws RaftError `proposal-dropped` when it did not within two election timeouts;
   * `invalid-config` when there is nobody to choose
   *
   * @example
   * ```ts
   * if (group.isLeader) await group.transferLeadership();
   * await group.close(); // nobody waits for an election
   * ```
   */
  async transferLeadership(to: NodeId = this.#runtime.bestSuccessor()): Promise<void> {
    const { driver, waits, settings } = this.#runtime;
    this.#runtime.checkRunning();
    if (this.#runtime.leader === to) return;
    const led = waits.until(() => this.#runtime.leader === to, {
      deadline: settings.clock.now() + 2 * settings.electionTicks * settings.tickMs,
      expired: () => new RaftError("proposal-dropped", `member ${to} did not become the leader`),
    });
    driver.raw.transferLeader(to);
    driver.schedule();
    await led;
  }

  /**
   * Resolves once a member has all of the log that the leader has now: a learner is promoted without a
   * gap then. To be called on the leader.
   *
   * @throws RaftError `unavailable` when this member does not lead (any more), `invalid-config` for a
   * stranger; the signal's reason
   *
   * @example
   * ```ts
   * await group.addLearner(member);
   * await group.waitForMember(member.id, { signal: AbortSignal.timeout(60_000) });
   * await group.promote(member.id);
   * ```
   */
  async waitForMember(id: NodeId, options: WaitOptions = {}): Promise<void> {
    const { driver, waits } = this.#runtime;
    this.#runtime.checkRunning();
    const { lastIndex } = driver.raw.status();
    const hasAll = (): boolean => {
      if (!this.isLeader) throw new RaftError("unavailable", "this member does not lead");
      const progress = driver.raw.status().progress.get(id);
      if (!progress) throw new RaftError("invalid-config", `there is no member ${id}`);
      return progress.match >= lastIndex;
    };
    await waits.until(hasAll, {
      deadline: Number.POSITIVE_INFINITY,
      signal: options.signal,
      expired: () => new RaftError("unavailable", `member ${id} is behind`),
    });
  }

  /**
   * Stands for election now, without waiting for the election timeout. With a leader in office the
   * others refuse: `transferLeadership` moves leadership.
   */
  campaign(): void {
    this.#runtime.checkRunning();
    this.#runtime.driver.raw.campaign();
    this.#runtime.driver.schedule();
  }

  /**
   * A follower forgets its leader, so that it grants votes at once: for a member that knows, better
   * than by silence, that the leader is gone. Nothing happens on the leader.
   */
  forgetLeader(): void {
    this.#runtime.checkRunning();
    this.#runtime.driver.raw.forgetLeader();
    this.#runtime.driver.schedule();
  }

  /** Replaces the option `priority` from the next election on. @throws RaftError `invalid-config` */
  setPriority(priority: number): void {
    this.#runtime.checkRunning();
    this.#runtime.driver.raw.setPriority(priority);
  }

  /**
   * Takes a snapshot of what is applied now, before it is due; resolves with its index once it is
   * durable and the log before it is given up (but `keepEntries`). At once where the newest snapshot
   * holds it all already.
   *
   * @throws RaftError `unavailable` when it was not taken within `requestTimeoutMs`, see
   * `status().snapshotError`; `stopped`; the signal's reason
   */
  async takeSnapshot(options: WaitOptions = {}): Promise<number> {
    const { driver, waits } = this.#runtime;
    this.#runtime.checkRunning();
    const { applied, snapshotter } = driver;
    if (snapshotter.newest < applied) snapshotter.want();
    driver.schedule();
    await waits.until(() => snapshotter.newest >= applied, {
      deadline: this.#runtime.deadline(),
      signal: options.signal,
      expired: () => {
        const cause = { cause: snapshotter.lastError };
        return new RaftError("unavailable", `no snapshot up to ${applied} was taken`, cause);
      },
    });
    return snapshotter.newest;
  }

  /** All members as of the last applied entry, by ID. */
  members(): readonly Member[] {
    return this.#runtime.driver.membership.list();
  }

  /** What this member knows of itself and, where it leads, of the others. */
  status(): GroupStatus {
    const { settings, storage, driver, proposals, reads, diskFull } = this.#runtime;
    const { id, clusterId } = settings;
    const { role, lead, term, commit, progress } = driver.raw.status();
    return {
      id,
      clusterId,
      role,
      leader: lead,
      term,
      commit,
      applied: driver.applied,
      lastIndex: storage.memory.lastIndex(),
      firstIndex: storage.memory.firstIndex(),
      snapshotIndex: driver.snapshotter.newest,
      confState: driver.membership.confState,
      pendingProposals: proposals.size,
      pendingBytes: proposals.bytes,
      pendingReads: reads.size,
      diskFull,
      snapshotError: driver.snapshotter.lastError,
      progress,
    };
  }

  on<Name extends keyof RaftGroupEvents>(
    name: Name,
    listener: (...values: RaftGroupEvents[Name]) => void,
  ): this {
    this.#runtime.events.on(name, listener);
    return this;
  }

  off<Name extends keyof RaftGroupEvents>(
    name: Name,
    listener: (...values: RaftGroupEvents[Name]) => void,
  ): this {
    this.#runtime.events.off(name, listener);
    return this;
  }

  /**
   * Stops this member. It writes nothing more: what was not durable is as after a crash, and what
   * waits is rejected with `stopped`. Transfer leadership first for a shutdown that nobody notices.
   */
  close(): Promise<void> {
    this.#closing ??= this.#runtime.close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** The address first, then the folder; nothing stays open when one of them cannot be had. */
async function prepare<Command, Result>(
  options: RaftGroupOptions<Command, Result>,
  onDiskFull: (full: boolean) => void,
): Promise<OpenedStorage> {
  try {
    await options.transport.bind?.();
    return await openStorage(measured(options), onDiskFull);
  } catch (error) {
    await options.transport[Symbol.asyncDispose]();
    throw error;
  }
}

/** The same storage, on a disk that tells how long the log's fdatasyncs take. */
function measured<Command, Result>(
  options: RaftGroupOptions<Command, Result>,
): RaftGroupOptions<Command, Result> {
  const { storage, metrics } = options;
  if (storage === "memory" || !metrics) return options;
  const { directory, disk = new NodeDisk() } = storage;
  const measuring = measuredDisk(disk, `${directory}/log`, metrics);
  return { ...options, storage: { ...storage, disk: measuring } };
}
