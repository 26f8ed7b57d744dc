import { strict as assert } from "node:assert";
import type { ActiveState } from "../types.js";
import type { DependencyGraph, Relation } from "./graph.js";
import { isRedundant, type JobType, mergeJobs } from "./job-type.js";
import { findOrderingCycle } from "./ordering.js";

/** A job that a transaction asks for. */
export interface PlannedJob {
  readonly unit: string;
  readonly type: JobType;
  /** Without it the request makes no sense. */
  readonly matters: boolean;
  readonly anchor: boolean;
}

/** What a request is made of and checked against. */
export interface TransactionInput {
  readonly type: JobType;
  readonly units: readonly string[];
  readonly graph: DependencyGraph;
  /** `builtin` units are as they should be and take no job; `absent` ones are not loaded. */
  readonly stateOf: (unit: string) => ActiveState | "builtin" | "absent";
  readonly jobOf: (unit: string) => JobType | undefined;
}

/** What came of it: the jobs, or why there can be none. */
export type Transaction =
  | { readonly ok: true; readonly jobs: readonly PlannedJob[]; readonly notes: readonly string[] }
  | {
      readonly ok: false;
      readonly reason: "missing" | "conflict" | "cycle";
      readonly message: string;
    };

interface Node {
  readonly unit: string;
  readonly type: JobType;
  readonly anchor: boolean;
  /** Jobs that this one pulled in, and whether it can do without. */
  readonly pulls: Map<Node, boolean>;
}

class Refusal extends Error {
  readonly reason: "missing" | "conflict" | "cycle";

  constructor(reason: "missing" | "conflict" | "cycle", message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * What follows from a request: the jobs that its dependencies ask for, contradictions and ordering
 * cycles resolved by leaving out what is only wanted, or refused. Pure; the way is that of systemd's
 * transactions (https://systemd.io, "transaction.c"): build, weigh, merge, drop what is so already, order.
 */
export function planTransaction(input: TransactionInput): Transaction {
  try {
    const builder = new TransactionBuilder(input);
    return { ok: true, jobs: builder.build(), notes: builder.notes };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ok: false, reason: error.reason, message: error.message };
  }
}

class TransactionBuilder {
  readonly notes: string[] = [];
  readonly #input: TransactionInput;
  #nodes: Node[] = [];

  constructor(input: TransactionInput) {
    this.#input = input;
  }

  build(): PlannedJob[] {
    for (const unit of this.#input.units) this.#add(unit, this.#input.type, undefined, true);
    let jobs = this.#merge();
    jobs = this.#dropRedundant(jobs);
    return this.#breakCycles(jobs);
  }

  // ── what the dependencies ask for ─────────────────────────────────────────────────────────────

  #add(unit: string, type: JobType, by: Node | undefined, matters: boolean): void {
    const state = this.#input.stateOf(unit);
    if (state === "builtin") return;
    if (state === "absent") {
      if (type === "stop" || type === "try-restart") return;
      const whom = by ? `${by.unit} requires ${unit}, which` : unit;
      throw new Refusal("missing", `${whom} is not loaded on this machine`);
    }
    const known = this.#nodes.find((node) => node.unit === unit && node.type === type);
    const node = known ?? { unit, type, anchor: by === undefined, pulls: new Map() };
    by?.pulls.set(node, matters || (by.pulls.get(node) ?? false));
    if (known) return;
    this.#nodes.push(node);
    if (type === "start" || type === "restart") this.#addForStart(node);
    if (type === "stop") this.#addForStop(node, "stop");
    else if (type === "restart" || type === "try-restart") this.#addForStop(node, "try-restart");
  }

  #addForStart(node: Node): void {
    this.#each(node, ["requires", "bindsTo"], (other) => this.#add(other, "start", node, true));
    this.#each(node, ["wants", "upholds"], (other) => this.#try(other, "start", node));
    this.#each(node, ["requisite"], (other) => this.#add(other, "verify-active", node, true));
    this.#each(node, ["conflicts"], (other) => this.#add(other, "stop", node, true));
    this.#each(node, ["conflictedBy"], (other) => this.#try(other, "stop", node));
  }

  #addForStop(node: Node, type: JobType): void {
    if (type === "stop") {
      this.#each(node, ["propagatesStopTo"], (other) => this.#add(other, "stop", node, true));
    }
    this.#each(node, ["requiredBy", "boundBy", "requisiteOf", "consistsOf"], (other) =>
      this.#add(other, type, node, true),
    );
  }

  /** Adds what is only wanted: when it cannot be, nothing of it stays. */
  #try(unit: string, type: JobType, by: Node): void {
    const before = [...this.#nodes];
    try {
      this.#add(unit, type, by, false);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#remove(new Set(this.#nodes.filter((node) => !before.includes(node))));
      if (this.#input.stateOf(unit) !== "absent") {
        this.notes.push(`${unit} is left out: ${error.message}`);
      }
    }
  }

  #each(node: Node, relations: readonly Relation[], visit: (other: string) => void): void {
    for (const relation of relations) {
      for (const other of this.#input.graph.get(node.unit, relation)) visit(other);
    }
  }

  #remove(gone: ReadonlySet<Node>): void {
    this.#nodes = this.#nodes.filter((node) => !gone.has(node));
    for (const node of this.#nodes) for (const other of gone) node.pulls.delete(other);
  }

  /** Removes a job and those that cannot do without it. */
  #removeWithDependents(node: Node): void {
    const gone = new Set([node]);
    for (const lost of gone) {
      for (const other of this.#nodes) if (other.pulls.get(lost)) gone.add(other);
    }
    this.#remove(gone);
  }

  #mattering(): ReadonlySet<Node> {
    const found = new Set(this.#nodes.filter(({ anchor }) => anchor));
    for (const node of found) {
      for (const [other, matters] of node.pulls) if (matters) found.add(other);
    }
    return found;
  }

  /** Those that the request still leads to: a job that was left out takes along what only it pulled in. */
  #collectGarbage(): void {
    const reached = new Set(this.#nodes.filter(({ anchor }) => anchor));
    for (const node of reached) for (const other of node.pulls.keys()) reached.add(other);
    this.#nodes = this.#nodes.filter((node) => reached.has(node));
  }

  // ── one job a unit ────────────────────────────────────────────────────────────────────────────

  #merge(): PlannedJob[] {
    while (this.#dropContradiction()) this.#collectGarbage();
    const mattering = this.#mattering();
    return [...this.#byUnit()].map(([unit, nodes]) => {
      const type = nodes
        .map((node) => node.type)
        .reduce((a, b) => {
          const merged = mergeJobs(a, b);
          assert(merged, "contradictions are dropped before");
          return merged;
        });
      return {
        unit,
        type,
        matters: nodes.some((node) => mattering.has(node)),
        anchor: nodes.some((node) => node.anchor),
      };
    });
  }

  #byUnit(): Map<string, Node[]> {
    const byUnit = new Map<string, Node[]>();
    for (const node of this.#nodes) {
      byUnit.set(node.unit, [...(byUnit.get(node.unit) ?? []), node]);
    }
    return byUnit;
  }

  #dropContradiction(): boolean {
    const mattering = this.#mattering();
    for (const [unit, nodes] of this.#byUnit()) {
      const stop = nodes.find(({ type }) => type === "stop");
      const other = nodes.find(({ type }) => type !== "stop");
      if (!stop || !other) continue;
      if (mattering.has(stop) && mattering.has(other)) {
        throw new Refusal("conflict", `${unit} would have to start and stop at once`);
      }
      const loser = this.#loser(unit, stop, other, mattering);
      this.notes.push(`The ${loser.type} job of ${unit} is left out: it contradicts another.`);
      this.#removeWithDependents(loser);
      return true;
    }
    return false;
  }

  #loser(unit: string, stop: Node, other: Node, mattering: ReadonlySet<Node>): Node {
    if (mattering.has(stop)) return other;
    if (mattering.has(other)) return stop;
    // Rather run more than less, except where another unit asked for its absence.
    return this.#input.graph.get(unit, "conflictedBy").size > 0 ? other : stop;
  }

  #dropRedundant(jobs: readonly PlannedJob[]): PlannedJob[] {
    return jobs.filter(({ unit, type, anchor }) => {
      const state = this.#input.stateOf(unit);
      assert(state !== "builtin" && state !== "absent", "only loaded units have jobs");
      if (anchor || !isRedundant(type, state)) return true;
      const queued = this.#input.jobOf(unit);
      return queued !== undefined && mergeJobs(type, queued) === undefined;
    });
  }

  // ── ordering ──────────────────────────────────────────────────────────────────────────────────

  #breakCycles(jobs: readonly PlannedJob[]): PlannedJob[] {
    let left = [...jobs];
    for (;;) {
      const cycle = findOrderingCycle(left, this.#input.graph);
      if (!cycle) return left;
      const shown = [...cycle, cycle[0]].map((job) => job?.unit).join(" → ");
      const victim = cycle.find(({ matters, anchor }) => !matters && !anchor);
      if (!victim) throw new Refusal("cycle", `Ordering cycle: ${shown}`);
      this.notes.push(
        `The ${victim.type} job of ${victim.unit} is left out: it is part of the ordering cycle ${shown}.`,
      );
      const node = this.#nodes.find(({ unit }) => unit === victim.unit);
      assert(node, "a job comes from a node");
      for (const other of this.#byUnit().get(victim.unit) ?? []) this.#removeWithDependents(other);
      this.#collectGarbage();
      const units = new Set(this.#nodes.map(({ unit }) => unit));
      left = left.filter(({ unit }) => units.has(unit));
    }
  }
}
