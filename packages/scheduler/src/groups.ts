import type { Model, UnitNode } from "./model.js";

/** The units split into groups that MachineOf= holds together, each and all by name. */
export function connected(units: readonly UnitNode[], model: Model): UnitNode[][] {
  const members = new Set(units);
  const seen = new Set<UnitNode>();
  const groups: UnitNode[][] = [];
  for (const start of byIndex(units)) {
    if (seen.has(start)) continue;
    seen.add(start);
    const group = [start];
    if (start.peers.length === 0 && !model.followers.has(start.index)) {
      groups.push(group);
      continue;
    }
    for (const unit of group) {
      for (const other of neighbours(unit, model)) {
        if (!members.has(other) || seen.has(other)) continue;
        seen.add(other);
        group.push(other);
      }
    }
    groups.push(byIndex(group));
  }
  return groups;
}

function* neighbours(unit: UnitNode, model: Model): Generator<UnitNode> {
  for (const peer of unit.peers) {
    const node = model.units[peer];
    if (node !== undefined) yield node;
  }
  yield* model.followers.get(unit.index) ?? [];
}

/**
 * Who must be there before whom: each unit after those that it names in MachineOf=, as far as they
 * do not wait for each other in a circle; apart from that by name.
 */
export function leadersFirst(units: readonly UnitNode[]): readonly UnitNode[] {
  if (units.length < 2) return units;
  const nodes = new Map(byIndex(units).map((unit) => [unit.index, unit]));
  const seen = new Set<UnitNode>();
  const ordered: UnitNode[] = [];
  for (const start of nodes.values()) visit(start, nodes, seen, ordered);
  return ordered;
}

/** Depth first, without recursion: a chain may be as long as there are units. */
function visit(
  start: UnitNode,
  nodes: ReadonlyMap<number, UnitNode>,
  seen: Set<UnitNode>,
  ordered: UnitNode[],
): void {
  if (seen.has(start)) return;
  seen.add(start);
  const stack = [{ unit: start, next: 0 }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const peer = top.unit.peers[top.next++];
    if (peer === undefined) {
      stack.pop();
      ordered.push(top.unit);
      continue;
    }
    const node = nodes.get(peer);
    if (node === undefined || seen.has(node)) continue;
    seen.add(node);
    stack.push({ unit: node, next: 0 });
  }
}

function byIndex(units: readonly UnitNode[]): UnitNode[] {
  return [...units].sort((a, b) => a.index - b.index);
}
