export { canRunGlobal, globalUnitsFor } from "./globals.js";
export {
  PLACEMENT_OPTIONS,
  type Placement,
  readPlacement,
  requestsOf,
} from "./options/placement.js";
export { explain, plan } from "./plan.js";
export { Scheduler } from "./scheduler.js";
export type * from "./types.js";
