import type { Random } from "../random.js";
import type { DiskWork, LogDisk, Recovered } from "./log-disk.js";

/** Batches that find room after the disk became full: the spare segment of the real log. */
const RESERVE_BATCHES = 5;

/**
 * A disk that keeps entries as they are, and so costs next to nothing: of the batch under way a
 * crash leaves any number of works from the first on. Bits do not rot on it.
 */
export class EntryDisk implements LogDisk {
  readonly mayRefuse = false;
  #underWay = 0;
  #survived = 0;
  #reserve = RESERVE_BATCHES;

  begin(batch: readonly DiskWork[]): void {
    this.#underWay = batch.length;
  }

  sync(): void {
    this.#underWay = 0;
  }

  keepSnapshot(): void {}

  crash(random: Random): void {
    this.#survived = random.int(this.#underWay + 1);
    this.#underWay = 0;
  }

  recover(): Recovered {
    const survived = this.#survived;
    this.#survived = 0;
    this.#reserve = RESERVE_BATCHES;
    return { survived, content: null };
  }

  hasRoom(): boolean {
    return this.#reserve-- > 0;
  }

  rot(): boolean {
    return false;
  }
}
