import type { Operation } from "./checker.js";
import type { RegisterInput } from "./register-model.js";

/** All operations on one value: its write, and the reads that saw it. */
interface Cluster {
  readonly value: number;
  writeCall: number;
  /** Until here the value may not have been written at the latest: its first return. */
  firstReturn: number;
  /** Here somebody still began to use it: its last call. */
  lastCall: number;
}

/**
 * Decides in O(n log n) whether a register's history is linearizable, given that no value is
 * written twice and none is the initial 0 (Gibbons and Korach, "Testing shared memories", 1997):
 * returns null, or what is wrong. For anything but such registers use `isLinearizable`.
 *
 * Between the first return and the last call of operations on a value (where they are in that
 * order) the register must hold it. So no two such spans may overlap, and no value's operations
 * may all lie within another's span.
 */
export function registerHistoryFault(
  operations: readonly Operation<RegisterInput, number>[],
): string | null {
  const clusters = gather(operations);
  if (typeof clusters === "string") return clusters;
  const spans = [...clusters.values()]
    .filter((cluster) => cluster.firstReturn < cluster.lastCall)
    .sort((a, b) => a.firstReturn - b.firstReturn);
  for (let i = 1; i < spans.length; i++) {
    const [one, two] = [spans[i - 1]!, spans[i]!];
    if (two.firstReturn < one.lastCall) {
      return `the register held ${one.value} and ${two.value} at once`;
    }
  }
  for (const cluster of clusters.values()) {
    if (cluster.firstReturn < cluster.lastCall) continue;
    const span = lastBefore(spans, cluster.lastCall);
    if (span !== undefined && cluster.firstReturn < span.lastCall) {
      return `${cluster.value} was there while the register held ${span.value}`;
    }
  }
  return null;
}

function gather(
  operations: readonly Operation<RegisterInput, number>[],
): Map<number, Cluster> | string {
  const clusters = new Map<number, Cluster>();
  const before = Number.NEGATIVE_INFINITY;
  clusters.set(0, { value: 0, writeCall: before, firstReturn: before, lastCall: before });
  for (const { input, call, return: end } of operations) {
    if (input.type !== "write") continue;
    if (clusters.has(input.value)) return `${input.value} was written twice`;
    const { value } = input;
    clusters.set(value, { value, writeCall: call, firstReturn: end, lastCall: call });
  }
  for (const { input, output, call, return: end } of operations) {
    if (input.type !== "read" || end === Number.POSITIVE_INFINITY) continue;
    const cluster = clusters.get(output);
    if (cluster === undefined) return `${output} was read and never written`;
    if (end < cluster.writeCall) return `${output} was read before it was written`;
    cluster.firstReturn = Math.min(cluster.firstReturn, end);
    cluster.lastCall = Math.max(cluster.lastCall, call);
  }
  return clusters;
}

/** The last span that begins before a time. */
function lastBefore(spans: readonly Cluster[], time: number): Cluster | undefined {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle]!.firstReturn < time) low = middle + 1;
    else high = middle;
  }
  return spans[low - 1];
}
