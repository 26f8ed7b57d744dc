import type { LeaseId } from "../api/types.js";
import type { Key } from "./key-range.js";

interface Lease {
  readonly ttl: number;
  readonly keys: Set<Key>;
}

/** Which leases exist and which keys hang on them; it knows no time. */
export class LeaseTable {
  readonly #leases = new Map<LeaseId, Lease>();

  get size(): number {
    return this.#leases.size;
  }

  has(id: LeaseId): boolean {
    return this.#leases.has(id);
  }

  ttl(id: LeaseId): number | undefined {
    return this.#leases.get(id)?.ttl;
  }

  grant(id: LeaseId, ttl: number): void {
    this.#leases.set(id, { ttl, keys: new Set() });
  }

  revoke(id: LeaseId): void {
    this.#leases.delete(id);
  }

  attach(id: LeaseId, key: Key): void {
    this.#leases.get(id)?.keys.add(key);
  }

  detach(id: LeaseId, key: Key): void {
    this.#leases.get(id)?.keys.delete(key);
  }

  /** The lease's keys in order. */
  keys(id: LeaseId): Key[] {
    return [...(this.#leases.get(id)?.keys ?? [])].sort();
  }

  *[Symbol.iterator](): Generator<{ readonly id: LeaseId; readonly ttl: number }> {
    for (const [id, { ttl }] of this.#leases) yield { id, ttl };
  }
}
