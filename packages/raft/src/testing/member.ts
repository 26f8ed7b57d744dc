import { decodeConfChange } from "../core/conf-change/codec.js";
import type { Config } from "../core/config.js";
import { RaftError } from "../core/errors.js";
import { MemoryStorage } from "../core/memory-storage.js";
import { RawNode } from "../core/raw-node.js";
import {
  type ConfChange,
  type ConfState,
  type Entry,
  EntryType,
  type HardState,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type Message,
  MessageType,
  type NodeId,
  type Ready,
  type Snapshot,
} from "../core/types.js";
import type { EventQueue } from "./event-queue.js";
import type { DurableState, Invariants } from "./invariants.js";
import type { Random } from "./random.js";
import { RegisterMachine, type Write } from "./register-machine.js";

/** What a member is made of, beside its configuration of the core. */
export interface MemberOptions {
  readonly id: NodeId;
  readonly config: Omit<Config, "id" | "storage" | "applied" | "random">;
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
  readonly disks: ReadonlyMap<NodeId, DurableState>;
  send(message: Message): void;
  applied(member: SimulatedMember, entry: Entry, write: Write | null): void;
  readable(member: SimulatedMember, context: Uint8Array): void;
  configured(member: SimulatedMember, index: number, confState: ConfState): void;
}

interface DiskWork {
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
  readonly done: () => void;
}

/**
 * A member's log, whose snapshot is as new as can be: one from before a member joined is of no use
 * to that member, which would ignore it.
 */
class FreshStorage extends MemoryStorage {
  readonly #refresh: () => void;

  constructor(refresh: () => void) {
    super();
    this.#refresh = refresh;
  }

  override snapshot(): Snapshot {
    this.#refresh();
    return super.snapshot();
  }

  /** The snapshot on the disk. */
  kept(): Snapshot | null {
    try {
      return super.snapshot();
    } catch (error) {
      if (RaftError.is(error)) return null;
      throw error;
    }
  }
}

const NOTHING_DURABLE: HardState = { term: 0, vote: 0, commit: 0 };

/**
 * A member in the simulator: a `RawNode` with its disk and its state machine. Writes take time; a
 * crash loses everything but what was written, and of the writes under way any number from the
 * first on.
 */
export class SimulatedMember implements DurableState {
  readonly id: NodeId;
  readonly storage: FreshStorage = new FreshStorage(() => this.#maybeSnapshot(1));
  hardState: HardState = NOTHING_DURABLE;
  machine: RegisterMachine = new RegisterMachine();
  /** Null while the member is down. */
  node: RawNode | null = null;
  /** Applied so far; what reads wait for. */
  appliedIndex = 0;
  readonly #options: MemberOptions;
  readonly #context: MemberContext;
  readonly #random: Random;
  #confState: ConfState | null = null;
  #writes: DiskWork[] = [];
  #writing = false;
  #applies: Message[] = [];
  #reads: { index: number; context: Uint8Array }[] = [];
  /** A snapshot is on its way to the disk: the configuration is of its index, not of the machine's. */
  #restoring = false;
  /** With synchronous storage: a Ready is being written. */
  #busy = false;
  /** Grows with every crash, so that what was under way before is forgotten. */
  #life = 0;

  constructor(options: MemberOptions, context: MemberContext) {
    this.id = options.id;
    this.#options = options;
    this.#context = context;
    this.#random = context.random;
  }

  /** Starts with what is on the disk. */
  start(): void {
    if (this.node !== null) return;
    this.machine = new RegisterMachine();
    this.appliedIndex = 0;
    const snapshot = this.storage.kept();
    if (snapshot !== null) {
      if (snapshot.data.length > 0) this.machine.restore(snapshot.data);
      this.appliedIndex = snapshot.metadata.index;
    }
    this.#confState = snapshot?.metadata.confState ?? null;
    this.node = new RawNode({
      ...this.#options.config,
      id: this.id,
      storage: this.storage,
      applied: this.appliedIndex,
      random: (n) => this.#random.int(n),
    });
    this.#context.invariants.started(this.node.basicStatus());
  }

  /** Stops at once. */
  crash(): void {
    if (this.node === null) return;
    const survived = this.#random.int(this.#writes.length + 1);
    for (const work of this.#writes.slice(0, survived)) this.#persist(work);
    this.#writes = [];
    this.#applies = [];
    this.#restoring = false;
    this.#reads = [];
    this.#busy = false;
    this.#writing = false;
    this.#life++;
    this.node = null;
  }

  tick(): void {
    this.#run((node) => node.tick());
  }

  receive(message: Message): void {
    this.#run((node) => node.step(message));
  }

  /** False when the proposal was dropped. */
  propose(data: Uint8Array): boolean {
    return this.#run((node) => node.propose(data));
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
  #run(input: (node: RawNode) => void): boolean {
    const { node } = this;
    if (node === null) return false;
    let taken = true;
    try {
      input(node);
    } catch (error) {
      if (!RaftError.is(error)) throw error;
      taken = false;
    }
    this.#check(node);
    this.#pump();
    return taken;
  }

  #check(node: RawNode): void {
    const watched = {
      confState: () => node.status().confState,
      logTerm: (index: number) => node.logTerm(index),
    };
    this.#context.invariants.stepped(node.basicStatus(), watched, this.#context.disks);
  }

  #pump(): void {
    const { node } = this;
    while (node !== null && node === this.node && !this.#busy && node.hasReady()) {
      const ready = node.ready();
      if (this.#options.config.asyncStorageWrites === true) this.#handleAsync(ready);
      else this.#handle(node, ready);
      this.#check(node);
    }
  }

  #handle(node: RawNode, ready: Ready): void {
    this.#noteReads(ready);
    const { hardState, entries, snapshot } = ready;
    let later = ready.messages;
    if (this.#options.eagerAppends) {
      later = ready.messages.filter((message) => message.type !== MessageType.App);
      for (const message of ready.messages)
        if (message.type === MessageType.App) this.#send(message);
    }
    const finish = (): void => {
      for (const message of later) this.#send(message);
      this.#apply(node, ready.committedEntries);
      node.advance();
      this.#busy = false;
    };
    if (hardState === null && entries.length === 0 && snapshot === null) {
      finish();
      return;
    }
    this.#busy = true;
    this.#write({ hardState, entries, snapshot, done: finish });
  }

  #handleAsync(ready: Ready): void {
    this.#noteReads(ready);
    if (ready.snapshot !== null) this.#restoring = true;
    for (const message of ready.messages) {
      if (message.to === LOCAL_APPEND_THREAD) this.#writeAsync(message);
      else if (message.to === LOCAL_APPLY_THREAD) this.#applyAsync(message);
      else this.#send(message);
    }
  }

  #writeAsync(message: Message): void {
    const { term, vote, commit, entries, snapshot } = message;
    const hardState = term === 0 && vote === 0 && commit === 0 ? null : { term, vote, commit };
    this.#write({ hardState, entries, snapshot, done: () => this.#respond(message.responses) });
  }

  #applyAsync(message: Message): void {
    this.#applies.push(message);
    if (this.#applies.length === 1) this.#scheduleApply();
  }

  #scheduleApply(): void {
    const life = this.#life;
    this.#context.queue.schedule(this.#random.between(0, this.#options.maxWrite), () => {
      if (life !== this.#life || this.node === null) return;
      const message = this.#applies.shift()!;
      if (this.#applies.length > 0) this.#scheduleApply();
      this.#apply(this.node, message.entries);
      this.#respond(message.responses);
      this.#check(this.node);
      this.#pump();
    });
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

  /** Queues a write. All that wait when the disk is free go into the next one together. */
  #write(work: DiskWork): void {
    this.#writes.push(work);
    if (!this.#writing) this.#scheduleWrite();
  }

  #scheduleWrite(): void {
    const life = this.#life;
    const batch = this.#writes.length;
    this.#writing = true;
    const { minWrite, maxWrite } = this.#options;
    this.#context.queue.schedule(this.#random.between(minWrite, maxWrite), () => {
      if (life !== this.#life || this.node === null) return;
      for (const work of this.#writes.splice(0, batch)) {
        this.#persist(work);
        if (work.snapshot !== null) this.#restore(work.snapshot);
        work.done();
      }
      this.#writing = false;
      if (this.#writes.length > 0) this.#scheduleWrite();
      this.#check(this.node);
      this.#pump();
    });
  }

  #persist({ hardState, entries, snapshot }: DiskWork): void {
    this.#context.invariants.persisting(this, hardState, snapshot, entries);
    if (hardState !== null) {
      this.storage.setHardState(hardState);
      this.hardState = hardState;
    }
    if (snapshot !== null) this.storage.applySnapshot(snapshot);
    this.storage.append(entries);
  }

  #restore(snapshot: Snapshot): void {
    const { index, confState } = snapshot.metadata;
    if (snapshot.data.length > 0) this.machine.restore(snapshot.data);
    this.appliedIndex = index;
    this.#confState = confState;
    this.#restoring = false;
    this.#context.invariants.restored(this.id, snapshot, this.machine.digest);
    this.#context.configured(this, index, confState);
    this.#serveReads();
  }

  #apply(node: RawNode, entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const { term } = node.basicStatus();
    for (const entry of entries) {
      // A snapshot was taken over while these entries waited for the apply thread.
      if (entry.index <= this.appliedIndex) continue;
      const isWrite = entry.type === EntryType.Normal && entry.data.length > 0;
      const write = this.machine.apply(entry, isWrite);
      this.appliedIndex = entry.index;
      this.#context.invariants.applied(this.id, term, entry, this.machine.digest);
      if (entry.type !== EntryType.Normal) {
        this.#confState = node.applyConfChange(decodeConfChange(entry.data), entry.index);
        this.#context.configured(this, entry.index, this.#confState);
      }
      this.#context.applied(this, entry, write);
    }
    this.#serveReads();
    this.#maybeSnapshot(this.#options.snapshotEvery);
  }

  /** Takes a snapshot when so many entries were applied since the last. */
  #maybeSnapshot(every: number): void {
    const last = this.storage.kept()?.metadata.index ?? 0;
    const index = this.appliedIndex;
    if (index < last + every || this.#confState === null || this.#restoring) return;
    // Entries may be applied before they are durable here: a snapshot must not be ahead of the log.
    if (index > this.storage.lastIndex()) return;
    this.storage.createSnapshot(index, this.#confState, this.machine.snapshot());
    const compactTo = index - this.#options.keepEntries;
    if (compactTo >= this.storage.firstIndex()) this.storage.compact(compactTo);
  }

  #noteReads(ready: Ready): void {
    for (const { index, context } of ready.readStates) this.#reads.push({ index, context });
    if (ready.readStates.length > 0) this.#serveReads();
  }

  #serveReads(): void {
    const due = this.#reads.filter(({ index }) => index <= this.appliedIndex);
    if (due.length === 0) return;
    this.#reads = this.#reads.filter(({ index }) => index > this.appliedIndex);
    for (const { context } of due) this.#context.readable(this, context);
  }

  #send(message: Message): void {
    this.#context.invariants.sending(this, message);
    this.#context.send(message);
  }
}
