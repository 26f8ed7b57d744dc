import type { CachedRecord } from "../store/record-cache.js";

/** A record with the name that its key spells, as labels from the left: `["a", "web"]`. */
export interface ZoneRecord {
  readonly labels: readonly string[];
  readonly record: CachedRecord;
}

interface Node {
  readonly children: Map<string, Node>;
  record?: ZoneRecord;
}

/** No answer holds more; the rest of a larger set is left out. */
const RECORDS_MAX = 1_000;

/**
 * The records below a domain as the tree that their keys are. A name stands for the record at it and
 * all below it, so that `web` answers with every instance of web; `*` or `any` stands for any one
 * label, as in SkyDNS.
 */
export class Zone {
  readonly #root: Node = { children: new Map() };

  /** `prefix` is the domain's own, with the slash at its end. */
  constructor(prefix: string, records: Iterable<readonly [key: string, record: CachedRecord]>) {
    for (const [key, record] of records) {
      const path = key.slice(prefix.length).toLowerCase().split("/");
      let node = this.#root;
      for (const label of path) {
        let child = node.children.get(label);
        if (child === undefined) {
          child = { children: new Map() };
          node.children.set(label, child);
        }
        node = child;
      }
      node.record = { labels: path.reverse(), record };
    }
  }

  /** The records of a name, or undefined when there is no such name. */
  lookup(labels: readonly string[]): readonly ZoneRecord[] | undefined {
    let nodes: readonly Node[] = [this.#root];
    for (const label of labels.toReversed()) {
      nodes = nodes.flatMap(({ children }) => matching(children, label));
    }
    if (nodes.length === 0) return undefined;
    const found: ZoneRecord[] = [];
    for (const node of nodes) collect(node, found);
    return found;
  }
}

function matching(children: ReadonlyMap<string, Node>, label: string): Node[] {
  if (label === "*" || label === "any") return [...children.values()];
  const child = children.get(label);
  return child === undefined ? [] : [child];
}

function collect(node: Node, found: ZoneRecord[]): void {
  const open = [node];
  for (let top = open.pop(); top !== undefined && found.length < RECORDS_MAX; top = open.pop()) {
    if (top.record !== undefined) found.push(top.record);
    open.push(...[...top.children.values()].reverse());
  }
}
