import type { SnapshotPoint } from "../wal/types.js";

/** Suffix of a whole snapshot's file. */
export const WHOLE = ".snap";
/** Suffix of one that is coming in. */
export const PART = ".part";

const NAME = /^([0-9a-f]{16})-([0-9a-f]{16})(\.[a-z]+)$/;

/** Name of a snapshot's file: term and index, in hexadecimal, then a suffix such as `.snap`. */
export function snapshotName({ index, term }: SnapshotPoint, suffix: string): string {
  const hex = (value: number): string => value.toString(16).padStart(16, "0");
  return `${hex(term)}-${hex(index)}${suffix}`;
}

/** The place in a file's name, or null for another file. */
export function pointOfName(name: string, suffix: string): SnapshotPoint | null {
  const match = NAME.exec(name);
  if (!match || match[3] !== suffix) return null;
  return { term: Number.parseInt(match[1]!, 16), index: Number.parseInt(match[2]!, 16) };
}

export function samePoint(one: SnapshotPoint, other: SnapshotPoint): boolean {
  return one.index === other.index && one.term === other.term;
}
