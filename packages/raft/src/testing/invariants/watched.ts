import type { ConfState, Entry, HardState, NodeId, Storage } from "../../core/types.js";

/** A member as far as it is watched. */
export interface Watched {
  readonly id: NodeId;
  /** What is durable. A member that was lost for good leaves here what it had made durable. */
  readonly storage: Storage & { readonly snapshotIndex: number };
  readonly hardState: HardState;
  /** The configuration and the last entry that its state machine has applied. */
  readonly confState: ConfState | null;
  readonly appliedIndex: number;
  /** Term of an entry in the log of its core, durable or not; −1 where there is none. */
  logTerm(index: number): number;
}

/** Term of a durable entry; −1 where there is none. */
export function durableTerm({ storage }: Watched, index: number): number {
  if (index < storage.firstIndex() - 1 || index > storage.lastIndex()) return -1;
  return storage.term(index);
}

export function sameEntry(a: Entry, b: Entry): boolean {
  if (a === b) return true;
  if (a.term !== b.term || a.index !== b.index || a.type !== b.type) return false;
  return sameBytes(a.data, b.data);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
