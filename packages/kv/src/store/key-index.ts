import { InnerNode, LeafNode, NODE_MAX, type TreeNode } from "./key-index-node.js";
import type { Key, KeyRange } from "./key-range.js";

/** Under this many entries a node joins its neighbour, when both then fill at most ¾ of one. */
const JOIN_BELOW = NODE_MAX / 4;
const JOINED_MAX = (NODE_MAX * 3) / 4;

/**
 * All keys in order, each with its newest row: a B+ tree whose nodes know how many live keys are under
 * them, so that counting an interval and finding its nth key take O(log n). Deleted keys stay in it,
 * uncounted, until compaction removes them.
 *
 * An entry is a row number, or `~row` where the newest row is a deletion (`isLive`, `rowOf`).
 */
export class KeyIndex {
  #root: TreeNode = new LeafNode([], []);
  #size = 0;
  /** Where the last `seek` came to, for `place` and `remove`. */
  #leaf: LeafNode = this.#root as LeafNode;
  #at = 0;
  #found = false;
  #sought: Key = "";

  /** Keys, deleted ones too. */
  get size(): number {
    return this.#size;
  }

  /** Keys that are not deleted. */
  get live(): number {
    return this.#root.live;
  }

  /** The entry of a key. */
  get(key: Key): number | undefined {
    const leaf = this.#leafFor(key);
    const at = leaf.lowerBound(key);
    return leaf.keys[at] === key ? leaf.rows[at] : undefined;
  }

  /** As `get`, and keeps the place for the `place` or `remove` that follows. */
  seek(key: Key): number | undefined {
    this.#leaf = this.#leafFor(key);
    this.#at = this.#leaf.lowerBound(key);
    this.#found = this.#leaf.keys[this.#at] === key;
    this.#sought = this.#found ? this.#leaf.keys[this.#at]! : key;
    return this.#found ? this.#leaf.rows[this.#at] : undefined;
  }

  /** The index's own string for the key just sought: sharing it saves the other copy. */
  get soughtKey(): Key {
    return this.#sought;
  }

  /** Sets the entry of the key just sought. */
  place(entry: number): void {
    const leaf = this.#leaf;
    if (this.#found) {
      const change = Number(entry >= 0) - Number(leaf.rows[this.#at]! >= 0);
      leaf.rows[this.#at] = entry;
      if (change !== 0) count(leaf, change);
      return;
    }
    this.#size++;
    if (leaf.keys.length >= NODE_MAX && this.#at === leaf.keys.length && leaf.next === null) {
      this.#append(leaf, entry);
      return;
    }
    leaf.keys.splice(this.#at, 0, this.#sought);
    leaf.rows.splice(this.#at, 0, entry);
    if (entry >= 0) count(leaf, 1);
    if (leaf.keys.length > NODE_MAX) this.#splitLeaf(leaf);
  }

  /** Takes the key just sought out; it must have been found. */
  remove(): void {
    const leaf = this.#leaf;
    const wasLive = leaf.rows[this.#at]! >= 0;
    leaf.keys.splice(this.#at, 1);
    leaf.rows.splice(this.#at, 1);
    this.#size--;
    if (wasLive) count(leaf, -1);
    if (leaf.keys.length < JOIN_BELOW) this.#shrinkLeaf(leaf);
  }

  /** Calls `visit` for each key of the interval in order until it answers false. */
  scan(range: KeyRange, visit: (entry: number, key: Key) => boolean): void {
    const { from, to } = range;
    let leaf: LeafNode | null = this.#leafFor(from);
    let at = leaf.lowerBound(from);
    while (leaf !== null) {
      const { keys, rows } = leaf;
      for (; at < keys.length; at++) {
        const key = keys[at]!;
        if (to !== null && key >= to) return;
        if (!visit(rows[at]!, key)) return;
      }
      leaf = leaf.next;
      at = 0;
    }
  }

  /** Live keys of the interval, in O(log n). */
  countLive(range: KeyRange): number {
    const upper = range.to === null ? this.live : this.#rank(range.to);
    return Math.max(0, upper - this.#rank(range.from));
  }

  /** The live key with `offset` live keys before it, in O(log n). */
  liveAt(offset: number): Key | undefined {
    if (offset < 0 || offset >= this.live) return undefined;
    let node = this.#root;
    let left = offset;
    while (node instanceof InnerNode) {
      let child = 0;
      while (left >= node.children[child]!.live) left -= node.children[child++]!.live;
      node = node.children[child]!;
    }
    return node.keys.find((_, at) => (node as LeafNode).rows[at]! >= 0 && left-- === 0);
  }

  /** Live keys before `key`. */
  #rank(key: Key): number {
    let node = this.#root;
    let rank = 0;
    while (node instanceof InnerNode) {
      const child = node.childFor(key);
      for (let i = 0; i < child; i++) rank += node.children[i]!.live;
      node = node.children[child]!;
    }
    const at = node.lowerBound(key);
    for (let i = 0; i < at; i++) if (node.rows[i]! >= 0) rank++;
    return rank;
  }

  #leafFor(key: Key): LeafNode {
    let node = this.#root;
    while (node instanceof InnerNode) node = node.children[node.childFor(key)]!;
    return node;
  }

  /** Keys that come in order fill their leaves instead of leaving halves behind. */
  #append(leaf: LeafNode, entry: number): void {
    const right = new LeafNode([this.#sought], [entry]);
    right.live = 0;
    this.#addLeafAfter(leaf, right);
    if (entry >= 0) count(right, 1);
  }

  #splitLeaf(leaf: LeafNode): void {
    const half = leaf.keys.length >>> 1;
    const right = new LeafNode(leaf.keys.splice(half), leaf.rows.splice(half));
    leaf.live -= right.live;
    this.#addLeafAfter(leaf, right);
  }

  #addLeafAfter(leaf: LeafNode, right: LeafNode): void {
    right.next = leaf.next;
    right.previous = leaf;
    if (leaf.next !== null) leaf.next.previous = right;
    leaf.next = right;
    this.#addAfter(leaf, right, right.keys[0]!);
  }

  /** Hangs `right` in after `left`; the counts above both stay what they are. */
  #addAfter(left: TreeNode, right: TreeNode, bound: Key): void {
    const { parent } = left;
    if (parent === null) {
      this.#root = new InnerNode([left, right], [bound]);
      return;
    }
    const at = parent.children.indexOf(left);
    parent.children.splice(at + 1, 0, right);
    parent.bounds.splice(at, 0, bound);
    right.parent = parent;
    if (parent.children.length > NODE_MAX) this.#splitInner(parent);
  }

  #splitInner(node: InnerNode): void {
    const half = node.children.length >>> 1;
    const bounds = node.bounds.splice(half);
    const children = node.children.splice(half);
    const bound = node.bounds.pop()!;
    const right = new InnerNode(children, bounds);
    node.live -= right.live;
    this.#addAfter(node, right, bound);
  }

  #shrinkLeaf(leaf: LeafNode): void {
    const { parent } = leaf;
    if (parent === null) return;
    const at = parent.children.indexOf(leaf);
    if (leaf.keys.length === 0) {
      unlink(leaf);
      this.#dropChild(parent, at);
      return;
    }
    const first = at + 1 < parent.children.length ? at : at - 1;
    const left = parent.children[first] as LeafNode | undefined;
    const right = parent.children[first + 1] as LeafNode | undefined;
    if (left === undefined || right === undefined) return;
    if (left.keys.length + right.keys.length > JOINED_MAX) return;
    left.keys.push(...right.keys);
    left.rows.push(...right.rows);
    left.live += right.live;
    unlink(right);
    this.#dropChild(parent, first + 1);
  }

  #dropChild(node: InnerNode, at: number): void {
    node.children.splice(at, 1);
    node.bounds.splice(Math.max(0, at - 1), 1);
    if (node.children.length < JOIN_BELOW) this.#shrinkInner(node);
  }

  #shrinkInner(node: InnerNode): void {
    const { parent } = node;
    if (parent === null) {
      if (node.children.length === 1) this.#rise(node);
      return;
    }
    const at = parent.children.indexOf(node);
    if (node.children.length === 0) {
      this.#dropChild(parent, at);
      return;
    }
    const first = at + 1 < parent.children.length ? at : at - 1;
    const left = parent.children[first] as InnerNode | undefined;
    const right = parent.children[first + 1] as InnerNode | undefined;
    if (left === undefined || right === undefined) return;
    if (left.children.length + right.children.length > JOINED_MAX) return;
    left.bounds.push(parent.bounds[first]!, ...right.bounds);
    left.children.push(...right.children);
    left.adopt();
    this.#dropChild(parent, first + 1);
  }

  /** A root with one child gives way to it. */
  #rise(node: InnerNode): void {
    this.#root = node.children[0]!;
    this.#root.parent = null;
    if (this.#root instanceof InnerNode && this.#root.children.length === 1) this.#rise(this.#root);
  }
}

/** Adds to the live count of a node and of all above it. */
function count(node: TreeNode, change: number): void {
  for (let at: TreeNode | null = node; at !== null; at = at.parent) at.live += change;
}

function unlink(leaf: LeafNode): void {
  if (leaf.previous !== null) leaf.previous.next = leaf.next;
  if (leaf.next !== null) leaf.next.previous = leaf.previous;
}
