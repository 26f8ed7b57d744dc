export type { RaftGroupEvents, RaftGroupOptions } from "./options.js";
export type * from "./types.js";
