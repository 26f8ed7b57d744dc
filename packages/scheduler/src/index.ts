export { explain } from "./explain.js";
export { canRunGlobal, globalUnitsFor } from "./globals.js";
export { plan } from "./plan.js";
export type * from "./types.js";
