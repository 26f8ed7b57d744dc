import type { ActiveState } from "../types.js";

/** What is to be done to a unit. `try-restart` is `restart` where the unit runs, else nothing. */
export type JobType = "start" | "verify-active" | "stop" | "restart" | "try-restart" | "reload";

/** The one job that does both, or undefined when they contradict each other (systemd's merge table). */
export function mergeJobs(a: JobType, b: JobType): JobType | undefined {
  if (a === b) return a;
  if (a === "stop" || b === "stop") return undefined;
  const both = new Set<JobType>([a, b]);
  if (both.has("restart")) return "restart";
  if (both.has("try-restart")) return both.has("start") ? "restart" : "try-restart";
  // Reloading what is only being started would tell it nothing new.
  if (both.has("start")) return "start";
  return "reload";
}

/** True when a unit in this state already is what the job would make of it. */
export function isRedundant(type: JobType, state: ActiveState): boolean {
  switch (type) {
    case "start":
    case "verify-active":
      return state === "active" || state === "reloading";
    case "stop":
      return state === "inactive" || state === "failed";
    case "try-restart":
      return state === "inactive" || state === "failed" || state === "deactivating";
    case "reload":
      return state === "reloading";
    case "restart":
      return false;
  }
}

/** True when `type` first brings the unit down. */
function stopsFirst(type: JobType): boolean {
  return type === "stop" || type === "restart" || type === "try-restart";
}

/**
 * Which of two jobs goes first, when the unit of `earlier` is ordered before that of `later`: a stop
 * always does, and of two stops that of the later unit.
 */
export function goesFirst(_earlier: JobType, later: JobType): "earlier" | "later" {
  return stopsFirst(later) ? "later" : "earlier";
}
