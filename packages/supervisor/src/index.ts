export type * from "./runtime.js";
export type * from "./types.js";
