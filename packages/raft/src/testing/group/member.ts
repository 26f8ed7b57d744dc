import { decodeConfChange } from "../../core/conf-change/codec.js";
import type { Config } from "../../core/config.js";
import { RaftError } from "../../core/errors.js";
import {
  type ConfChange,
  type ConfState,
  type Entry,
  type HardState,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type Message,
  MessageType,
  type NodeId,
  type Ready,
  type Snapshot,
} from "../../core/types.js";
import { MemberDisk, type MemberDiskOptions } from "../disk/member-disk.js";
import type { EventQueue } from "../event-queue.js";
import type { Invariants } from "../invariants/invariants.js";
import type { Watched } from "../invariants/watched.js";
import type { Random } from "../random.js";
import type { Core, CoreBuild } from "./core-build.js";
import { MemberStorage } from "./member-storage.js";
import type { RegisterMachine, Write } from "./register-machine.js";
import { Replica } from "./replica.js";

/** What a member is made of, beside its configuration of the core. */
export interface MemberOptions extends MemberDiskOptions {
  readonly config: Omit<Config, "id" | "storage" | "applied" | "random">;
  /** A commit index that moved alone is written with the next batch, as the driver does it. */
  readonly lazyCommit: boolean;
  /** Virtual milliseconds that a write to the disk takes. */
  readonly minWrite: number;
  readonly maxWrite: number;
  /** Entries between snapshots, and those kept after one for slow followers. */
  readonly snapshotEvery: number;
  readonly keepEntries: number;
  /** Sends a leader's appends while its own write is under way (dissertation, section 10.2.1). */
  readonly eagerAppends: boolean;
}

/** What surrounds a member. */
export interface MemberContext {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly invariants: Invariants;
  readonly members: ReadonlyMap<NodeId, Watched>;
  /** Virtual milliseconds that a member stands still from now on. */
  pausedFor(id: NodeId): number;
  stepped(member: SimulatedMember): void;
  /** True when the group can do without this member for good. */
  canLose(id: NodeId): boolean;
  send(message: Message): void;
  applied(member: SimulatedMember, entry: Entry, write: Write | null): void;
  readable(member: SimulatedMember, context: Uint8Array): void;
  configured(member: SimulatedMember, index: number, confState: ConfState): void;
  /** Its fsync failed, so that it stopped; it may be started again. */
  syncFailed(member: SimulatedMember): void;
  /** It refused to start from its disk, and never will. */
  refused(member: SimulatedMember): void;
}

/** Virtual milliseconds that applying takes: less than clients need to propose as much. */
const MAX_APPLY_MS = 20;

/**
 * A member in the simulator: a core with its disk and its state machine. Writes take time; a crash
 * loses everything but what was written, and leaves any part of the write under way.
 */
export class SimulatedMember implements Watched {
  readonly id: NodeId;
  /** Null while the member is down. */
  node: Core | null = null;
  /** It will never be up again. */
  lost = false;
  /** The disk has no room: proposals are refused. */
  diskFull = false;
  readonly #options: MemberOptions;
  readonly #context: MemberContext;
  readonly #random: Random;
  readonly #disk: MemberDisk;
  #replica: Replica;
  #applies: Message[] = [];
  /** With synchronous storage: a Ready is being written. */
  #busy = false;
  /** Grows with every crash, so that what was under way before is forgotten. */
  #life = 0;

  constructor(options: MemberOptions, context: MemberContext) {
    const { id, minWrite, maxWrite } = options;
    this.id = id;
    this.#options = options;
    this.#context = context;
    this.#random = context.random.fork();
    this.#replica = this.#newReplica(null);
    this.#disk = new MemberDisk(options, context.invariants, {
      watched: this,
      newStorage: () => new MemberStorage(() => this.#maybeSnapshot(1)),
      restored: (snapshot) => this.#restored(snapshot),
      afterWrite: (run) => this.#after(minWrite, maxWrite, run),
      written: () => this.#goOn(),
      syncFailed: () => context.syncFailed(this),
    });
  }

  get storage(): MemberStorage {
    return this.#disk.storage;
  }

  get hardState(): HardState {
    return this.#disk.hardState;
  }

  get machine(): RegisterMachine {
    return this.#replica.machine;
  }

  get appliedIndex(): number {
    return this.#replica.appliedIndex;
  }

  get confState(): ConfState | null {
    return this.#replica.confState;
  }

  logTerm(index: number): number {
    return this.node?.logTerm(index) ?? -1;
  }

  /** What is on its disk may be damaged, which shows when it starts. */
  get inDoubt(): boolean {
    return this.node === null && this.#disk.inDoubt;
  }

  /** Puts the snapshot that the group begins with on the disk. */
  found(snapshot: Snapshot): void {
    this.#disk.found(snapshot);
  }

  /** Starts a version of the core with what is on the disk. */
  start(build: CoreBuild): void {
    if (this.node !== null || this.lost) return;
    if (!this.#disk.recover(this.#random)) {
      this.lost = true;
      this.#context.refused(this);
      return;
    }
    const snapshot = this.storage.kept();
    this.#replica = this.#newReplica(snapshot);
    this.node = new build.RawNode({
      ...this.#options.config,
      id: this.id,
      storage: this.storage,
      applied: this.appliedIndex,
      random: (n) => this.#random.int(n),
    });
    this.#context.invariants.started(this.node.basicStatus());
    if (this.confState !== null) {
      this.#context.configured(this, this.appliedIndex, this.confState);
    }
  }

  /** Stops at once. */
  crash(): void {
    if (this.node === null) return;
    this.#disk.crash(this.#random, () => this.#context.canLose(this.id));
    this.#applies = [];
    this.#busy = false;
    this.#life++;
    this.#context.invariants.stopped(this.id);
    this.node = null;
    this.diskFull = false;
  }

  /** Loses its data; what it had made durable is remembered for the checks alone. */
  lose(): void {
    this.crash();
    this.lost = true;
  }

  /** Damages what is durable while the member is down; false when there is nothing to damage. */
  rot(): boolean {
    return this.node === null && this.#disk.rot(this.#random);
  }

  failNextSync(): void {
    this.#disk.failNextSync();
  }

  setDiskFull(full: boolean): void {
    if (this.node === null) return;
    this.diskFull = full;
    this.#disk.setFull(full);
  }

  tick(): void {
    this.#run((node) => node.tick());
  }

  receive(message: Message): void {
    if (this.diskFull && message.type === MessageType.Prop) return;
    this.#run((node) => node.step(message));
  }

  /** False when the proposal was dropped. */
  propose(data: Uint8Array): boolean {
    return !this.diskFull && this.#run((node) => node.propose(data));
  }

  proposeConfChange(change: ConfChange): boolean {
    return this.#run((node) => node.proposeConfChange(change));
  }

  readIndex(context: Uint8Array): void {
    this.#run((node) => node.readIndex(context));
  }

  transferLeader(to: NodeId): void {
    this.#run((node) => node.transferLeader(to));
  }

  forgetLeader(): void {
    this.#run((node) => node.forgetLeader());
  }

  campaign(): void {
    this.#run((node) => node.campaign());
  }

  reportUnreachable(id: NodeId): void {
    this.#run((node) => node.reportUnreachable(id));
  }

  reportSnapshot(id: NodeId, ok: boolean): void {
    this.#run((node) => node.reportSnapshot(id, ok));
  }

  /** Gives the core an input, then does the work that comes of it. False when it was refused. */
  #run(input: (node: Core) => void): boolean {
    const { node } = this;
    if (node === null) return false;
    let taken = true;
    try {
      input(node);
    } catch (error) {
      if (!RaftError.is(error)) throw error;
      taken = false;
    }
    this.#goOn();
    return taken;
  }

  #check(node: Core): void {
    this.#context.invariants.stepped(node.basicStatus(), this, this.#context.members);
    this.#context.stepped(this);
  }

  /** Takes what the core wants done, until it waits for something. */
  #goOn(): void {
    const { node } = this;
    if (node === null) return;
    this.#check(node);
    while (node === this.node && !this.#busy && node.hasReady()) {
      const ready = node.ready();
      this.#context.invariants.logged(this.id, ready.entries);
      this.#replica.read(ready.readStates);
      if (this.#options.config.asyncStorageWrites === true) this.#handleAsync(ready);
      else this.#handle(node, ready);
      this.#check(node);
    }
  }

  #handle(node: Core, ready: Ready): void {
    const { hardState, entries, snapshot } = ready;
    let later = ready.messages;
    if (this.#options.eagerAppends && later.length > 0) {
      later = later.filter((message) => message.type !== MessageType.App);
      for (const message of ready.messages)
        if (message.type === MessageType.App) this.#send(message);
    }
    const done = (): void => {
      for (const message of later) this.#send(message);
      this.#apply(node, ready.committedEntries);
      node.advance();
      this.#busy = false;
    };
    if (hardState === null && entries.length === 0 && snapshot === null) {
      done();
      return;
    }
    this.#busy = true;
    this.#write(hardState, entries, snapshot, ready.mustSync, done);
  }

  #handleAsync(ready: Ready): void {
    if (ready.snapshot !== null) this.#replica.expectRestore();
    for (const message of ready.messages) {
      if (message.to === LOCAL_APPEND_THREAD) {
        const { term, vote, commit, entries, snapshot, responses } = message;
        const hardState = term === 0 && vote === 0 && commit === 0 ? null : { term, vote, commit };
        const done = () => this.#respond(responses);
        this.#write(hardState, entries, snapshot, ready.mustSync, done);
      } else if (message.to === LOCAL_APPLY_THREAD) {
        this.#applies.push(message);
        if (this.#applies.length === 1) this.#scheduleApply();
      } else {
        this.#send(message);
      }
    }
  }

  #write(
    hardState: HardState | null,
    entries: readonly Entry[],
    snapshot: Snapshot | null,
    mustSync: boolean,
    done: () => void,
  ): void {
    const sync = mustSync || snapshot !== null || !this.#options.lazyCommit;
    this.#disk.write({ hardState, entries, snapshot, sync, done });
  }

  #scheduleApply(): void {
    this.#after(0, Math.min(this.#options.maxWrite, MAX_APPLY_MS), () => {
      const message = this.#applies.shift()!;
      if (this.#applies.length > 0) this.#scheduleApply();
      this.#apply(this.node!, message.entries);
      this.#respond(message.responses);
      this.#goOn();
    });
  }

  /** Runs something after a while, unless the member crashes; later still while it is paused. */
  #after(min: number, max: number, run: () => void): void {
    const life = this.#life;
    const due = (): void => {
      if (life !== this.#life || this.node === null) return;
      const paused = this.#context.pausedFor(this.id);
      if (paused > 0) this.#context.queue.schedule(paused, due);
      else run();
    };
    this.#context.queue.schedule(this.#random.between(min, max), due);
  }

  #respond(responses: readonly Message[]): void {
    for (const response of responses) {
      if (response.to === this.id) this.#acknowledge(response);
      else this.#send(response);
    }
  }

  #acknowledge(response: Message): void {
    try {
      this.node!.step(response);
    } catch (error) {
      // A member that was removed is a stranger to itself, too.
      if (!RaftError.is(error) || error.code !== "step-peer-not-found") throw error;
    }
  }

  #restored(snapshot: Snapshot): void {
    // What survived a crash is taken up when the member starts.
    if (this.node === null) return;
    this.#replica.restore(snapshot);
    this.#context.invariants.restored(this.id, snapshot, this.machine.digest);
    const { index, confState } = snapshot.metadata;
    this.#context.configured(this, index, confState);
  }

  #apply(node: Core, entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    this.#replica.apply(entries);
    const { snapshotEvery } = this.#options;
    if (node === this.node) this.#maybeSnapshot(snapshotEvery);
  }

  #maybeSnapshot(every: number): void {
    const { storage } = this;
    const { keepEntries } = this.#options;
    this.#replica.maybeSnapshot(storage, storage.snapshotIndex, every, keepEntries);
  }

  #send(message: Message): void {
    this.#context.invariants.sending(this, message);
    this.#context.send(message);
  }

  #newReplica(snapshot: Snapshot | null): Replica {
    return new Replica(
      {
        configure: (entry) => this.#configure(entry),
        applied: (entry, write) => this.#context.applied(this, entry, write),
        readable: (context) => this.#context.readable(this, context),
        tookSnapshot: (taken) => this.#disk.keepSnapshot(taken),
      },
      snapshot,
    );
  }

  #configure(entry: Entry): ConfState {
    const confState = this.node!.applyConfChange(decodeConfChange(entry.data), entry.index);
    this.#context.configured(this, entry.index, confState);
    return confState;
  }
}
