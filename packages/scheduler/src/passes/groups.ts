import { byName, type UnitNode } from "../model/unit-node.js";
import type { Units } from "../model/units.js";

/**
 * The units split into groups that MachineOf= holds together: the groups in the order of their
 * first units, their units as well.
 */
export function connected(ordered: readonly UnitNode[], units: Units): UnitNode[][] {
  const places = new Map(ordered.map((unit, place) => [unit, place]));
  const seen = new Set<UnitNode>();
  const groups: UnitNode[][] = [];
  for (const start of ordered) {
    if (seen.has(start)) continue;
    groups.push(groupOf(start, units, (unit) => places.has(unit), seen));
  }
  for (const group of groups) group.sort((a, b) => places.get(a)! - places.get(b)!);
  return groups;
}

/** The unit and all members that MachineOf= ties to it, one by one; adds them to `seen`. */
export function groupOf(
  start: UnitNode,
  units: Units,
  isMember: (unit: UnitNode) => boolean,
  seen: Set<UnitNode>,
): UnitNode[] {
  const group = [start];
  if (isAlone(start)) return group;
  seen.add(start);
  for (const unit of group) {
    for (const other of neighbours(unit, units)) {
      if (seen.has(other) || !isMember(other)) continue;
      seen.add(other);
      group.push(other);
    }
  }
  return group;
}

/** No MachineOf= names it, and it has none. */
export function isAlone(unit: UnitNode): boolean {
  return unit.peers.length === 0 && unit.followers === undefined;
}

function* neighbours(unit: UnitNode, units: Units): Generator<UnitNode> {
  for (const peer of unit.peers) {
    const node = units.byName.get(peer);
    if (node !== undefined) yield node;
  }
  yield* unit.followers ?? [];
}

/**
 * Who must be there before whom: each unit after those that it names in MachineOf=, as far as they
 * do not wait for each other in a circle; apart from that in the order given.
 */
export function leadersFirst(ordered: readonly UnitNode[]): readonly UnitNode[] {
  const tied = ordered.filter((unit) => !isAlone(unit));
  if (tied.length < 2) return ordered;
  const nodes = new Map(tied.map((unit) => [unit.name, unit]));
  const seen = new Set<UnitNode>();
  const result: UnitNode[] = [];
  for (const start of ordered) {
    if (isAlone(start)) result.push(start);
    else visit(start, nodes, seen, result);
  }
  return result;
}

/** Depth first, without recursion: a chain may be as long as there are units. */
function visit(
  start: UnitNode,
  nodes: ReadonlyMap<string, UnitNode>,
  seen: Set<UnitNode>,
  result: UnitNode[],
): void {
  if (seen.has(start)) return;
  seen.add(start);
  const stack = [{ unit: start, next: 0 }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const peer = top.unit.peers[top.next++];
    if (peer === undefined) {
      stack.pop();
      result.push(top.unit);
      continue;
    }
    const node = nodes.get(peer);
    if (node === undefined || seen.has(node)) continue;
    seen.add(node);
    stack.push({ unit: node, next: 0 });
  }
}

/** Sorted by name, in a new array. */
export function sortedByName(units: Iterable<UnitNode>): UnitNode[] {
  return [...units].sort(byName);
}
