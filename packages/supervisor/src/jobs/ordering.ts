import type { DependencyGraph } from "./graph.js";
import { goesFirst, type JobType } from "./job-type.js";

/** A job as far as its place in the order goes. */
export interface OrderedJob {
  readonly unit: string;
  readonly type: JobType;
}

/** True when `job` has to wait until `other` is over (After= and Before= of systemd.unit(5)). */
export function mustWait(job: OrderedJob, other: OrderedJob, graph: DependencyGraph): boolean {
  if (graph.get(job.unit, "after").has(other.unit)) {
    return goesFirst(other.type, job.type) === "earlier";
  }
  if (graph.get(job.unit, "before").has(other.unit)) {
    return goesFirst(job.type, other.type) === "later";
  }
  return false;
}

/** The units that `unit` is ordered against, in either direction. */
export function* orderedAgainst(unit: string, graph: DependencyGraph): Generator<string> {
  yield* graph.get(unit, "after");
  yield* graph.get(unit, "before");
}

/** Jobs each of which waits for the next and the last for the first; undefined when all can run. */
export function findOrderingCycle<J extends OrderedJob>(
  jobs: readonly J[],
  graph: DependencyGraph,
): J[] | undefined {
  const byUnit = new Map(jobs.map((job) => [job.unit, job]));
  const done = new Set<J>();
  for (const start of jobs) {
    const cycle = walk(start, byUnit, graph, done);
    if (cycle) return cycle;
  }
  return undefined;
}

/** Depth first with a stack of its own: chains of thousands of units do not overflow the call stack. */
function walk<J extends OrderedJob>(
  start: J,
  byUnit: ReadonlyMap<string, J>,
  graph: DependencyGraph,
  done: Set<J>,
): J[] | undefined {
  if (done.has(start)) return undefined;
  const path: { job: J; next: Iterator<J> }[] = [{ job: start, next: waits(start, byUnit, graph) }];
  const onPath = new Set([start]);
  for (let top = path.at(-1); top; top = path.at(-1)) {
    const { value, done: exhausted } = top.next.next();
    if (exhausted) {
      done.add(top.job);
      onPath.delete(top.job);
      path.pop();
    } else if (onPath.has(value)) {
      return path.slice(path.findIndex(({ job }) => job === value)).map(({ job }) => job);
    } else if (!done.has(value)) {
      onPath.add(value);
      path.push({ job: value, next: waits(value, byUnit, graph) });
    }
  }
  return undefined;
}

function* waits<J extends OrderedJob>(
  job: J,
  byUnit: ReadonlyMap<string, J>,
  graph: DependencyGraph,
): Generator<J> {
  for (const unit of orderedAgainst(job.unit, graph)) {
    const other = byUnit.get(unit);
    if (other && mustWait(job, other, graph)) yield other;
  }
}
