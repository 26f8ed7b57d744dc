import { type ConfState, type MemoryStorage, RaftError } from "../../index.js";
import { encodeMembers } from "../group/members.js";
import type { Clock, Member, StateMachine } from "../types.js";
import type { DurableLog, SnapshotPoint } from "../wal/types.js";
import type { SnapshotStore } from "./snapshot-store.js";

/** Snapshots kept: the newest, and the one before in case the newest turns out damaged. */
const KEPT = 2;

export interface SnapshotterOptions {
  readonly log: DurableLog;
  readonly memory: MemoryStorage;
  readonly store: SnapshotStore;
  readonly stateMachine: Pick<StateMachine<never, never>, "snapshot">;
  readonly entries: number;
  readonly bytes: number;
  readonly keepEntries: number;
  readonly clock: Clock;
  /** Milliseconds after a failed attempt before one is made because it was asked for. */
  readonly retryMs: number;
  /** Snapshots there are at the start, oldest first. */
  readonly marks: readonly SnapshotPoint[];
  /** A snapshot and its mark in the log are durable, `ms` after it was begun. */
  readonly onTaken: (at: SnapshotPoint, ms: number) => void;
  /** An attempt failed; the member goes on. */
  readonly onNotTaken: () => void;
  /** The log cannot go on. */
  readonly onFailure: (error: unknown) => void;
}

/** What the state machine's view belongs to. */
export interface SnapshotPlace {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
  readonly members: readonly Member[];
}

/**
 * Takes this member's own snapshots, one at a time: first the file, then its mark in the log, then
 * the log before it goes. The log on disk is kept from the snapshot before.
 */
export class Snapshotter {
  readonly #options: SnapshotterOptions;
  /** Where the last one was begun. */
  #index: number;
  #bytes = 0;
  #wanted = false;
  /** Nothing that is only asked for is begun before: the last attempt failed. */
  #notBefore = Number.NEGATIVE_INFINITY;
  /** Those that the log knows of, oldest first. */
  #marks: readonly SnapshotPoint[];
  #running: Promise<void> | null = null;
  #stopped = false;
  /** Why the last attempt failed; the next is made after as many entries again. */
  lastError: Error | null = null;

  constructor(options: SnapshotterOptions, index: number) {
    this.#options = options;
    this.#index = index;
    this.#marks = options.marks.slice(-KEPT);
  }

  /** Bytes of entries were applied. */
  count(bytes: number): void {
    this.#bytes += bytes;
  }

  /** The newest snapshot's index, 0 where there is none. */
  get newest(): number {
    return this.#marks.at(-1)?.index ?? 0;
  }

  /** A member needs one that is newer than the newest: the next is due at once. */
  want(): void {
    this.#wanted = true;
  }

  get wanted(): boolean {
    return this.#wanted;
  }

  /** A snapshot came from the leader, and is in the log and in the core. */
  async received(at: SnapshotPoint): Promise<void> {
    this.#index = at.index;
    this.#bytes = 0;
    await this.#release(at);
  }

  /** Begins one if it is due. To be called when the state machine stands at `place`. */
  maybe(index: number, place: () => SnapshotPlace): void {
    if (this.#running) return;
    if (!this.#isDue(index)) return;
    this.#index = index;
    this.#bytes = 0;
    this.#wanted = false;
    const at = place();
    let state: AsyncIterable<Uint8Array>;
    try {
      state = this.#options.stateMachine.snapshot();
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#running = this.#take(at, state).finally(() => {
      this.#running = null;
    });
  }

  #isDue(index: number): boolean {
    const { entries, bytes, clock } = this.#options;
    if (index - this.#index >= entries) return true;
    if (index !== this.#index && this.#bytes >= bytes) return true;
    // One that was taken since it was asked for holds all that this one would.
    if (this.newest >= index) this.#wanted = false;
    return this.#wanted && clock.now() >= this.#notBefore;
  }

  /** The member goes on with a longer log; status() shows it. */
  #failed(error: unknown): void {
    this.lastError = asError(error);
    this.#options.onNotTaken();
    this.#notBefore = this.#options.clock.now() + this.#options.retryMs;
  }

  /** Gives up the one that is being taken. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async *#whileRunning(state: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of state) {
      if (this.#stopped) throw new RaftError("stopped", "the group was closed");
      yield chunk;
    }
  }

  async #take(at: SnapshotPlace, state: AsyncIterable<Uint8Array>): Promise<void> {
    const { store, memory } = this.#options;
    const { index, term, confState } = at;
    const data = encodeMembers(at.members);
    const begun = this.#options.clock.now();
    try {
      await store.write({ metadata: { index, term, confState }, data }, this.#whileRunning(state));
      this.lastError = null;
    } catch (error) {
      this.#failed(error);
      return;
    }
    try {
      if (this.#isSuperseded(index)) return;
      await this.#options.log.append({ snapshot: { index, term }, sync: true });
      if (this.#isSuperseded(index)) return;
      memory.createSnapshot(index, confState, data);
      const from = index - this.#options.keepEntries;
      if (from > memory.firstIndex()) memory.compact(from);
      await this.#release({ index, term });
      this.#options.onTaken({ index, term }, this.#options.clock.now() - begun);
    } catch (error) {
      if (!RaftError.is(error) || error.code !== "stopped") this.#options.onFailure(error);
    }
  }

  /** A later snapshot came from the leader while this one was being written. */
  #isSuperseded(index: number): boolean {
    return this.#options.memory.firstIndex() > index;
  }

  /** Gives up files and log that the two newest snapshots do not need. */
  async #release(newest: SnapshotPoint): Promise<void> {
    const { store, log } = this.#options;
    this.#marks = [...this.#marks, newest].slice(-KEPT);
    await store.prune(this.#marks);
    if (this.#marks.length === KEPT) await log.release(this.#marks[0]!.index);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
