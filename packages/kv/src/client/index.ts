export * from "../api/errors.js";
export type * from "../api/types.js";
export type { EndpointHash, EndpointStatus, Membership } from "./admin.js";
export { type ConnectOptions, connect, KeyValueClient, type LeaseLife } from "./connect.js";
export type * from "./key-value.js";
export { prefixEnd } from "./keys.js";
