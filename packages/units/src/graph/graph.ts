import type { UnitModel } from "../types.js";

/** How one unit depends on another, by systemd's names. */
export type DependencyKind =
  | "requires"
  | "requisite"
  | "wants"
  | "bindsTo"
  | "partOf"
  | "upholds"
  | "conflicts"
  | "before"
  | "after"
  | "onFailure"
  | "onSuccess"
  | "triggers";

export interface DependencyEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: DependencyKind;
}

/** Units and what they say of one another; also units that are named only are among `units`. */
export interface DependencyGraph {
  readonly units: readonly string[];
  readonly edges: readonly DependencyEdge[];
}

const KINDS = [
  "requires",
  "requisite",
  "wants",
  "bindsTo",
  "partOf",
  "upholds",
  "conflicts",
  "before",
  "after",
  "onFailure",
  "onSuccess",
] as const satisfies readonly DependencyKind[];

/**
 * The graph of what units say of one another. Dependencies that systemd adds on its own
 * (DefaultDependencies=) are not in it; what a timer, path or socket starts is.
 *
 * @example
 * ```ts
 * const graph = dependencyGraph([unit]);
 * orderingCycles(graph); // [["a.service", "b.service"]]
 * ```
 */
export function dependencyGraph(models: Iterable<UnitModel>): DependencyGraph {
  const units = new Set<string>();
  const edges: DependencyEdge[] = [];
  for (const model of models) {
    const from = model.name.name;
    units.add(from);
    const add = (to: string, kind: DependencyKind): void => {
      units.add(to);
      edges.push({ from, to, kind });
    };
    for (const kind of KINDS) for (const to of model.unit[kind]) add(to, kind);
    const triggered = model.timer?.unit ?? model.path?.unit ?? model.socket?.service;
    if (triggered !== undefined) add(triggered, "triggers");
  }
  return { units: [...units].sort(), edges };
}

/**
 * The cycles among Before= and After=: of each knot of units that all wait for one another a shortest
 * one, its first name the least. systemd breaks such a cycle by leaving out a unit, or refuses to
 * start.
 */
export function orderingCycles({ units, edges }: DependencyGraph): readonly (readonly string[])[] {
  const next = new Map<string, Set<string>>(units.map((unit) => [unit, new Set()]));
  for (const { from, to, kind } of edges) {
    if (kind === "before") next.get(from)?.add(to);
    if (kind === "after") next.get(to)?.add(from);
  }
  return knots(next).map((knot) => shortestCycle(knot, next));
}

type Successors = ReadonlyMap<string, ReadonlySet<string>>;

/** Tarjan's strongly connected components (1972) that hold a cycle; without recursion. */
function knots(next: Successors): Set<string>[] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const isOpen = new Set<string>();
  const found: Set<string>[] = [];
  const enter = (unit: string): { unit: string; rest: Iterator<string> } => {
    order.set(unit, order.size);
    low.set(unit, order.get(unit)!);
    open.push(unit);
    isOpen.add(unit);
    return { unit, rest: (next.get(unit) ?? new Set<string>()).values() };
  };
  const lower = (unit: string, value: number): void => {
    low.set(unit, Math.min(low.get(unit)!, value));
  };
  for (const start of next.keys()) {
    if (order.has(start)) continue;
    const path = [enter(start)];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const step = top.rest.next();
      if (step.done !== true) {
        if (!order.has(step.value)) path.push(enter(step.value));
        else if (isOpen.has(step.value)) lower(top.unit, order.get(step.value)!);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) lower(parent.unit, low.get(top.unit)!);
      if (low.get(top.unit) !== order.get(top.unit)) continue;
      const knot = new Set(open.splice(open.indexOf(top.unit)));
      for (const unit of knot) isOpen.delete(unit);
      if (knot.size > 1 || next.get(top.unit)?.has(top.unit) === true) found.push(knot);
    }
  }
  return found;
}

/** Breadth first from the least unit that lies on a cycle, back to it. */
function shortestCycle(knot: ReadonlySet<string>, next: Successors): readonly string[] {
  const start = [...knot].sort()[0]!;
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const unit of queue) {
    for (const to of [...(next.get(unit) ?? [])].sort()) {
      if (to === start) return pathTo(unit, start, cameFrom);
      if (!knot.has(to) || cameFrom.has(to)) continue;
      cameFrom.set(to, unit);
      queue.push(to);
    }
  }
  throw new Error(`${start} is on no cycle`);
}

function pathTo(end: string, start: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const path = [end];
  while (path[0] !== start) path.unshift(cameFrom.get(path[0]!)!);
  return path;
}

const COLORS: Readonly<Partial<Record<DependencyKind, string>>> = {
  requires: "black",
  requisite: "darkblue",
  bindsTo: "gold",
  wants: "grey66",
  conflicts: "red",
  before: "green",
  after: "green",
};

/** The graph for Graphviz; orderings all point from the unit that waits to the one that it waits for. */
export function formatDot({ units, edges }: DependencyGraph): string {
  const lines = units.map((unit) => `  ${JSON.stringify(unit)};`);
  for (const { from, to, kind } of edges) {
    const [tail, head] = kind === "before" ? [to, from] : [from, to];
    const color = COLORS[kind] ?? "blue";
    const label = kind === "before" ? "after" : kind;
    lines.push(
      `  ${JSON.stringify(tail)} -> ${JSON.stringify(head)} [color="${color}" label="${label}"];`,
    );
  }
  return `digraph units {\n${lines.join("\n")}\n}\n`;
}
