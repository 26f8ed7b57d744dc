import { KvError } from "../api/errors.js";
import type { Keyspace } from "./keyspace.js";
import { type SnapshotMoment, writeSnapshot } from "./snapshot-writer.js";

/** A snapshot that is read once, and whose end, however it comes, is told to the store. */
export class SnapshotStream implements AsyncIterableIterator<Uint8Array> {
  readonly #chunks: Generator<Uint8Array, void, undefined>;
  readonly #ended: () => void;
  #state: "open" | "ended" | "abandoned" = "open";

  constructor(keyspace: Keyspace, moment: SnapshotMoment, ended: () => void) {
    this.#chunks = writeSnapshot(keyspace, moment);
    this.#ended = ended;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Makes one chunk of about 64 KiB. Rejects once the snapshot was abandoned. */
  async next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#state === "abandoned") {
      throw new KvError("cancelled", "another snapshot was taken, or the state replaced");
    }
    const result = this.#chunks.next();
    if (result.done) this.#end("ended");
    return result;
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#end("ended");
    return { done: true, value: undefined };
  }

  abandon(): void {
    this.#end("abandoned");
  }

  #end(state: "ended" | "abandoned"): void {
    if (this.#state !== "open") return;
    this.#state = state;
    this.#ended();
  }
}
