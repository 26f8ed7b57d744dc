export * from "../api/errors.js";
export type * from "../api/types.js";
export type * from "./key-value.js";
