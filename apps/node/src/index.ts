export type * from "./api/types.js";
export { API_PREFIX } from "./api/types.js";
export { loadConfig } from "./config/load-config.js";
export { type Config, OPTIONS } from "./config/options.js";
export { NodeError, type NodeErrorCode } from "./errors.js";
export { createNode, type FlotillaNode, type NodeOptions } from "./node.js";
export { VERSION } from "./version.js";
