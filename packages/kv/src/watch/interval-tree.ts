import type { Key, KeyRange } from "../store/key-range.js";

interface Node<Value> {
  readonly range: KeyRange;
  readonly value: Value;
  readonly priority: number;
  /** The furthest end in this subtree; null is no end. */
  reach: Key | null;
  left: Node<Value> | undefined;
  right: Node<Value> | undefined;
}

/**
 * Distinct intervals of keys, found by a key inside them: a treap by start, each node knowing how
 * far its subtree reaches. Insert and remove take O(log n), a search O(log n) and O(log n) a hit.
 */
export class IntervalTree<Value> {
  #root: Node<Value> | undefined;
  #random = 0x9e3779b9;

  /** The interval must not be in the tree yet. */
  insert(range: KeyRange, value: Value): void {
    const node = { range, value, priority: this.#draw(), reach: range.to, left: undefined };
    this.#root = insert(this.#root, { ...node, right: undefined });
  }

  remove(range: KeyRange): void {
    this.#root = remove(this.#root, range);
  }

  /** Calls `visit` for every interval that `key` is in. */
  at(key: Key, visit: (value: Value) => void): void {
    search(this.#root, key, visit);
  }

  /** xorshift32: the shape needs spread, not secrecy. */
  #draw(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return x;
  }
}

function search<V>(node: Node<V> | undefined, key: Key, visit: (value: V) => void): void {
  if (node === undefined || (node.reach !== null && node.reach <= key)) return;
  search(node.left, key, visit);
  const { from, to } = node.range;
  if (from > key) return;
  if (to === null || key < to) visit(node.value);
  search(node.right, key, visit);
}

function insert<V>(node: Node<V> | undefined, added: Node<V>): Node<V> {
  if (node === undefined) return added;
  if (compare(added.range, node.range) < 0) {
    node.left = insert(node.left, added);
    return node.left.priority > node.priority ? rotateRight(node) : measured(node);
  }
  node.right = insert(node.right, added);
  return node.right.priority > node.priority ? rotateLeft(node) : measured(node);
}

function remove<V>(node: Node<V> | undefined, range: KeyRange): Node<V> | undefined {
  if (node === undefined) return undefined;
  const order = compare(range, node.range);
  if (order === 0) return merge(node.left, node.right);
  if (order < 0) node.left = remove(node.left, range);
  else node.right = remove(node.right, range);
  return measured(node);
}

function merge<V>(left: Node<V> | undefined, right: Node<V> | undefined): Node<V> | undefined {
  if (left === undefined) return right;
  if (right === undefined) return left;
  if (left.priority > right.priority) {
    left.right = merge(left.right, right);
    return measured(left);
  }
  right.left = merge(left, right.left);
  return measured(right);
}

function rotateRight<V>(node: Node<V>): Node<V> {
  const top = node.left!;
  node.left = top.right;
  top.right = measured(node);
  return measured(top);
}

function rotateLeft<V>(node: Node<V>): Node<V> {
  const top = node.right!;
  node.right = top.left;
  top.left = measured(node);
  return measured(top);
}

function measured<V>(node: Node<V>): Node<V> {
  let reach = node.range.to;
  for (const child of [node.left, node.right]) {
    if (child !== undefined && endsBefore(reach, child.reach)) reach = child.reach;
  }
  node.reach = reach;
  return node;
}

function endsBefore(a: Key | null, b: Key | null): boolean {
  return a !== null && (b === null || a < b);
}

function compare(a: KeyRange, b: KeyRange): number {
  if (a.from !== b.from) return a.from < b.from ? -1 : 1;
  if (a.to === b.to) return 0;
  return endsBefore(a.to, b.to) ? -1 : 1;
}
