export * from "./api/errors.js";
export type * from "./api/types.js";
export { API_VERSION } from "./api/version.js";
export type * from "./client/key-value.js";
export { prefixEnd } from "./client/keys.js";
export { startMember, startStore } from "./member/start-member.js";
export type * from "./member/types.js";
