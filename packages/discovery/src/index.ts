export type * from "./key-value.js";
