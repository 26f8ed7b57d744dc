import { randomInt } from "node:crypto";
import { type NodeId, RaftError, type ReadState } from "../../index.js";
import type { RaftMetrics } from "../metrics/types.js";
import { setUint64 } from "../wal/frame.js";

interface Waiter {
  readonly resolve: (index: number) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: number;
  done: boolean;
  release: (() => void) | null;
}

/**
 * Linearizable reads by ReadIndex. All that wait when a round begins share it; those that come
 * while one is under way share the next, since an answer that was asked for before a read began
 * says nothing about it. A round that gets no answer is asked again under a new token.
 */
export class Reads {
  readonly #ask: (context: Uint8Array) => void;
  readonly #origin: NodeId;
  readonly #metrics: RaftMetrics | undefined;
  readonly #epoch: number = randomInt(2 ** 47);
  #sequence = 0;
  #next: Waiter[] = [];
  #round: { waiters: Waiter[]; token: string; ticks: number } | null = null;
  /** Confirmed, waiting for the state machine. */
  #confirmed: { index: number; waiters: Waiter[] }[] = [];

  constructor(
    origin: NodeId,
    metrics: RaftMetrics | undefined,
    ask: (context: Uint8Array) => void,
  ) {
    this.#origin = origin;
    this.#metrics = metrics;
    this.#ask = ask;
  }

  /** Those that wait. */
  get size(): number {
    const confirmed = this.#confirmed.reduce((sum, { waiters }) => sum + waiters.length, 0);
    return this.#next.length + (this.#round?.waiters.length ?? 0) + confirmed;
  }

  /** Resolves with the confirmed index once it is applied. `begin` starts the round. */
  wait(deadline: number, signal: AbortSignal | undefined): Promise<number> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { resolve, reject, deadline, done: false, release: null };
      this.#next.push(waiter);
      if (!signal) return;
      const abort = (): void => finish(waiter, signal.reason);
      signal.addEventListener("abort", abort, { once: true });
      waiter.release = () => signal.removeEventListener("abort", abort);
    });
  }

  /** Asks for the waiting reads, unless a round is under way. */
  begin(): void {
    if (this.#round || this.#next.length === 0) return;
    const waiters = this.#next.filter((waiter) => !waiter.done);
    this.#next = [];
    if (waiters.length > 0) this.#start(waiters);
  }

  /** Asks again at once: leadership moved. */
  restart(): void {
    if (this.#round) this.#start(this.#round.waiters);
  }

  tick(now: number, retryTicks: number): void {
    this.#next = this.#expire(this.#next, now);
    for (const one of this.#confirmed) one.waiters = this.#expire(one.waiters, now);
    const round = this.#round;
    if (!round) return;
    round.waiters = this.#expire(round.waiters, now);
    if (round.waiters.length === 0) this.#round = null;
    else if (++round.ticks >= retryTicks) {
      this.#metrics?.count("reads_slow", 1);
      this.#start(round.waiters);
    }
    this.begin();
  }

  /** A round's answer came. Answers to earlier tokens are ignored. */
  confirm(state: ReadState, applied: number): void {
    const round = this.#round;
    if (!round || tokenOf(state.context) !== round.token) return;
    this.#round = null;
    this.#confirmed.push({ index: state.index, waiters: round.waiters });
    this.applied(applied);
    this.begin();
  }

  /** The state machine has come to `index`. */
  applied(index: number): void {
    if (this.#confirmed.length === 0) return;
    const ready = this.#confirmed.filter((one) => one.index <= index);
    this.#confirmed = this.#confirmed.filter((one) => one.index > index);
    for (const { index: at, waiters } of ready) {
      for (const waiter of waiters) finish(waiter, null, at);
    }
  }

  failAll(error: RaftError): void {
    const confirmed = this.#confirmed.flatMap(({ waiters }) => waiters);
    const all = [...this.#next, ...(this.#round?.waiters ?? []), ...confirmed];
    this.#next = [];
    this.#round = null;
    this.#confirmed = [];
    for (const waiter of all) finish(waiter, error);
  }

  #start(waiters: Waiter[]): void {
    const context = new Uint8Array(24);
    const view = new DataView(context.buffer);
    setUint64(view, 0, this.#origin);
    setUint64(view, 8, this.#epoch);
    setUint64(view, 16, ++this.#sequence);
    this.#round = { waiters, token: tokenOf(context), ticks: 0 };
    this.#ask(context);
  }

  #expire(waiters: Waiter[], now: number): Waiter[] {
    if (waiters.length === 0) return waiters;
    const kept: Waiter[] = [];
    for (const waiter of waiters) {
      if (waiter.done) continue;
      if (waiter.deadline > now) kept.push(waiter);
      else {
        this.#metrics?.count("reads_failed", 1);
        finish(waiter, new RaftError("read-unavailable", "no leader confirmed the read in time"));
      }
    }
    return kept;
  }
}

function finish(waiter: Waiter, error: unknown, index = 0): void {
  if (waiter.done) return;
  waiter.done = true;
  waiter.release?.();
  if (error) waiter.reject(error as Error);
  else waiter.resolve(index);
}

function tokenOf(context: Uint8Array): string {
  return Buffer.from(context.buffer, context.byteOffset, context.length).toString("latin1");
}
