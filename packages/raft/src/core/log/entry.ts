import { type Entry, EntryType } from "../types.js";

/** No bytes; shared, so that empty entries cost nothing. */
export const NO_DATA: Uint8Array = new Uint8Array(0);

/**
 * The data of an entry that took the place of a refused configuration change: no bytes. It is an
 * object of its own because etcd's encoding of such an entry names its type, which others leave
 * out, and limits count that.
 */
export const REFUSED_DATA: Uint8Array = new Uint8Array(0);

/** No entries; shared and frozen. */
export const NO_ENTRIES: readonly Entry[] = Object.freeze([]);

function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  let size = 2;
  let rest = Math.floor(value / 0x4000);
  while (rest > 0) {
    size++;
    rest = Math.floor(rest / 0x80);
  }
  return size;
}

/**
 * Bytes that an entry counts for in the limits on messages and on applying. It is the length of
 * its protobuf encoding (`raftpb.Entry`), so that limits cut where etcd's do.
 */
export function entrySize(entry: Entry): number {
  const length = entry.data.length;
  const type = entry.type === EntryType.Normal && entry.data !== REFUSED_DATA ? 0 : 2;
  const data = length === 0 ? 0 : 1 + varintSize(length) + length;
  return type + 1 + varintSize(entry.term) + 1 + varintSize(entry.index) + data;
}

/** The sum of {@link entrySize}. */
export function entriesSize(entries: readonly Entry[]): number {
  let size = 0;
  for (let i = 0; i < entries.length; i++) size += entrySize(entries[i]!);
  return size;
}

/** Bytes of data alone: what counts for the quota on uncommitted entries and on bytes in flight. */
export function payloadSize(entries: readonly Entry[]): number {
  let size = 0;
  for (let i = 0; i < entries.length; i++) size += entries[i]!.data.length;
  return size;
}
