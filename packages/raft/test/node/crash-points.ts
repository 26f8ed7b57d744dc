import type { DiskOperation, MemoryDisk } from "../../src/node/index.js";

/** Numbers the operations of a disk; from the `at`th on nothing works any more, as in a dead process. */
export class CrashPoint {
  count = 0;
  /** The operation that did not take place. */
  hit: DiskOperation | null = null;

  constructor(disk: MemoryDisk, at: number = Number.POSITIVE_INFINITY) {
    disk.faults.onOperation = (operation) => {
      if (this.hit === null && this.count++ < at) return;
      this.hit ??= operation;
      throw Object.assign(new Error("the power is off"), { code: "EIO" });
    };
  }
}

/** Loses power as `random` has it, and lets the disk work again. */
export function losePower(disk: MemoryDisk, random: () => number): void {
  disk.faults.onOperation = () => {};
  const keep = random();
  disk.crash({ keepSector: () => random() < keep, keepNames: Math.floor(random() * 12) });
}
