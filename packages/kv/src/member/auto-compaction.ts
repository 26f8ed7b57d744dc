import type { Backend } from "../server/backend.js";

/** Between two looks, milliseconds. */
const CHECK_MS = 10_000;

/**
 * Keeps the history at the newest `keep` revisions, as etcd's `--auto-compaction-mode=revision`
 * does, a tenth more at most before it is cut. The leader proposes; nobody forwards it.
 */
export class AutoCompaction {
  readonly #backend: Backend;
  readonly #keep: number;
  readonly #timer: NodeJS.Timeout;

  constructor(backend: Backend, keep: number) {
    this.#backend = backend;
    this.#keep = keep;
    this.#timer = setInterval(() => this.check(), CHECK_MS);
    this.#timer.unref();
  }

  check(): void {
    const { store, log } = this.#backend;
    const revision = store.revision - this.#keep;
    if (!log.isLeader || revision - store.compactRevision <= this.#keep / 10) return;
    log
      .propose({ type: "compact", revision, physical: false }, { onlyAsLeader: true })
      // The next look tries again.
      .catch(() => {});
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
