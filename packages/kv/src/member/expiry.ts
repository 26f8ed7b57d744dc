import type { Backend } from "../server/backend.js";

/** Between two looks at the leases, as etcd has it, in milliseconds. */
const CHECK_MS = 100;

/**
 * Revokes leases that have run out, while this member leads. A revoke is proposed under the term in
 * which the lease was found expired and never forwarded: a deposed leader revokes nothing.
 */
export class Expiry {
  readonly #backend: Backend;
  #term = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Leadership changed: call it with each change. */
  leaderChanged(leads: boolean, term: number): void {
    this.stop();
    if (!leads) return;
    this.#term = term;
    this.#backend.lessor.promote();
    this.#timer = setInterval(() => this.#check(), CHECK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#backend.lessor.demote();
  }

  #check(): void {
    const term = this.#term;
    for (const id of this.#backend.lessor.expired()) {
      this.#backend.log
        .propose({ type: "lease-revoke", id, term }, { onlyAsLeader: true, term })
        // The lessor tells the lease again as long as it exists.
        .catch(() => {});
    }
  }
}
