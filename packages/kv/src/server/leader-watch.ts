import { KvError } from "../api/errors.js";

/** A stream that wants to be ended when its member loses sight of the leader. */
export interface LeaderBound {
  end(error: KvError): void;
}

/**
 * Who leads, as far as this member knows, and the streams that only go on with a leader (etcd's
 * `hasleader`): they are ended once there has been none for `graceMs`, so that their clients go
 * to a member that has one. A mere election does not end them.
 */
export class LeaderWatch {
  readonly #graceMs: number;
  readonly #bound = new Set<LeaderBound>();
  #leader = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** The leader's member ID, 0 while none is known. */
  get leader(): number {
    return this.#leader;
  }

  changed(leader: number): void {
    this.#leader = leader;
    clearTimeout(this.#timer);
    if (leader !== 0) return;
    this.#timer = setTimeout(() => this.#endAll(), this.#graceMs);
    this.#timer.unref();
  }

  /** Throws KvError `no-leader` when there is none now. */
  check(): void {
    if (this.#leader === 0) throw new KvError("no-leader");
  }

  add(stream: LeaderBound): void {
    this.#bound.add(stream);
  }

  remove(stream: LeaderBound): void {
    this.#bound.delete(stream);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#bound.clear();
  }

  #endAll(): void {
    const bound = [...this.#bound];
    this.#bound.clear();
    for (const stream of bound) stream.end(new KvError("no-leader"));
  }
}
