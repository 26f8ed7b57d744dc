export * from "./api/errors.js";
export type * from "./api/types.js";
export type * from "./client/key-value.js";
export type * from "./member/types.js";
