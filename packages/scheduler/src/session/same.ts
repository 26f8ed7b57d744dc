import type { Machine, UnitJob } from "../types.js";

/** Whether the machine is the same for every decision. */
export function sameMachine(a: Machine, b: Machine): boolean {
  return a === b || equal(a, b);
}

/** Whether the job is the same for every decision. */
export function sameJob(a: UnitJob, b: UnitJob): boolean {
  return a === b || equal(a, b);
}

/** Plain data of objects, arrays and maps, compared by content; maps by their order as well. */
function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Map && b instanceof Map) return equal([...a], [...b]);
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every(
      (key) => Object.hasOwn(b, key) && equal(a[key as keyof typeof a], b[key as keyof typeof b]),
    )
  );
}
