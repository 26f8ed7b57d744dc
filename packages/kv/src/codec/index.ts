export * from "./auth.js";
export * from "./compact.js";
export * from "./lease.js";
export * from "./put.js";
export * from "./range.js";
export { malformed, Reader } from "./reader.js";
export * from "./txn.js";
export * from "./watch.js";
export { encode } from "./writer.js";
