import type { Key } from "./key-range.js";
import type { Row } from "./version-table.js";

/** Most entries of a leaf and most children of an inner node. */
export const NODE_MAX = 64;

/** A run of keys with what the index says of each. */
export class LeafNode {
  parent: InnerNode | null = null;
  next: LeafNode | null = null;
  previous: LeafNode | null = null;
  keys: Key[];
  /** The newest row of each key; `~row` when that is a deletion. */
  rows: number[];
  /** Keys that are not deleted. */
  live = 0;

  constructor(keys: Key[], rows: number[]) {
    this.keys = keys;
    this.rows = rows;
    for (const row of rows) if (row >= 0) this.live++;
  }

  /** Place of the first key that is not before `key`. */
  lowerBound(key: Key): number {
    const { keys } = this;
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Children in order; `bounds[i]` is above every key of child i and not above any of child i + 1. */
export class InnerNode {
  parent: InnerNode | null = null;
  children: TreeNode[];
  bounds: Key[];
  live = 0;

  constructor(children: TreeNode[], bounds: Key[]) {
    this.children = children;
    this.bounds = bounds;
    this.adopt();
  }

  /** Makes itself the parent of its children and counts them again. */
  adopt(): void {
    this.live = 0;
    for (const child of this.children) {
      child.parent = this;
      this.live += child.live;
    }
  }

  /** Place of the child that `key` belongs to. */
  childFor(key: Key): number {
    const { bounds } = this;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (bounds[middle]! <= key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export type TreeNode = LeafNode | InnerNode;

/** True when an index entry is of a key that is not deleted. */
export function isLive(entry: number): boolean {
  return entry >= 0;
}

/** The row of an index entry, deleted or not. */
export function rowOf(entry: number): Row {
  return entry >= 0 ? entry : ~entry;
}
