import type { Bytes, Permission } from "../api/types.js";
import { isSingle, toKey, toRange } from "../store/key-range.js";
import { RangeSet } from "../store/range-set.js";

/** The keys that one user may read and write, all roles together. */
export class UserPermissions {
  readonly #read = new RangeSet();
  readonly #write = new RangeSet();

  constructor(permissions: readonly Permission[]) {
    for (const { type, key, rangeEnd } of permissions) {
      const range = toRange(key, rangeEnd);
      if (type !== "write") this.#read.add(range);
      if (type !== "read") this.#write.add(range);
    }
  }

  mayRead(key: Bytes, rangeEnd: Bytes | undefined): boolean {
    return covers(this.#read, key, rangeEnd);
  }

  mayWrite(key: Bytes, rangeEnd: Bytes | undefined): boolean {
    return covers(this.#write, key, rangeEnd);
  }
}

/** Intervals side by side count as one, whatever roles they are of. */
function covers(granted: RangeSet, key: Bytes, rangeEnd: Bytes | undefined): boolean {
  return isSingle(rangeEnd) ? granted.has(toKey(key)) : granted.covers(toRange(key, rangeEnd));
}
