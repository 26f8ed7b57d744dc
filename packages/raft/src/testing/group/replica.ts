import type { MemoryStorage } from "../../core/memory-storage.js";
import type { ConfState, Entry, ReadState, Snapshot } from "../../core/types.js";
import { EntryType } from "../../core/types.js";
import { RegisterMachine, type Write } from "./register-machine.js";

/** What the state machine's side tells its member. */
export interface ReplicaHost {
  /** A configuration change is applied; returns the configuration from then on. */
  configure(entry: Entry): ConfState;
  applied(entry: Entry, write: Write | null): void;
  /** A read may be served. */
  readable(context: Uint8Array): void;
  tookSnapshot(snapshot: Snapshot): void;
}

/** What a member has applied: its state machine, its configuration, and the reads that wait for it. */
export class Replica {
  readonly machine: RegisterMachine = new RegisterMachine();
  appliedIndex = 0;
  confState: ConfState | null = null;
  readonly #host: ReplicaHost;
  #reads: ReadState[] = [];
  /** A snapshot is on its way to the disk: the configuration is of its index, not of the machine's. */
  #restoring = false;

  constructor(host: ReplicaHost, snapshot: Snapshot | null) {
    this.#host = host;
    if (snapshot !== null) this.#take(snapshot);
  }

  /** A snapshot came in and is being written. */
  expectRestore(): void {
    this.#restoring = true;
  }

  restore(snapshot: Snapshot): void {
    this.#take(snapshot);
    this.#restoring = false;
    this.#serveReads();
  }

  #take({ metadata, data }: Snapshot): void {
    if (data.length > 0) this.machine.restore(data);
    this.appliedIndex = metadata.index;
    this.confState = metadata.confState;
  }

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      // A snapshot was taken over while these entries waited for the apply thread.
      if (entry.index <= this.appliedIndex) continue;
      const isWrite = entry.type === EntryType.Normal && entry.data.length > 0;
      const write = this.machine.apply(entry, isWrite);
      this.appliedIndex = entry.index;
      if (entry.type !== EntryType.Normal) this.confState = this.#host.configure(entry);
      this.#host.applied(entry, write);
    }
    this.#serveReads();
  }

  read(states: readonly ReadState[]): void {
    if (states.length === 0) return;
    this.#reads.push(...states);
    this.#serveReads();
  }

  #serveReads(): void {
    if (this.#reads.length === 0) return;
    const reads = this.#reads;
    this.#reads = reads.filter(({ index }) => index > this.appliedIndex);
    for (const { index, context } of reads) {
      if (index <= this.appliedIndex) this.#host.readable(context);
    }
  }

  /** Takes a snapshot when so many entries were applied since the last, and keeps so many before it. */
  maybeSnapshot(storage: MemoryStorage, last: number, every: number, keepEntries: number): void {
    const index = this.appliedIndex;
    if (index < last + every || this.confState === null || this.#restoring) return;
    // Entries may be applied before they are durable here: a snapshot must not be ahead of the log.
    if (index > storage.lastIndex()) return;
    const snapshot = storage.createSnapshot(index, this.confState, this.machine.snapshot());
    this.#host.tookSnapshot(snapshot);
    const compactTo = index - keepEntries;
    if (compactTo >= storage.firstIndex()) storage.compact(compactTo);
  }
}
