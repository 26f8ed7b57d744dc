export { canRunGlobal, globalUnitsFor } from "./globals.js";
export { explain, plan } from "./plan.js";
export { Scheduler } from "./scheduler.js";
export type * from "./types.js";
