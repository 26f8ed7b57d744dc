export type { CgroupMode } from "./cgroup/layout.js";
export {
  createRuntime,
  type LocalRuntime,
  type LocalSandbox,
  type RuntimeOptions,
} from "./create-runtime.js";
export { ContainerError, type ContainerErrorCode } from "./errors.js";
export { REQUESTS_MAX } from "./helper/client.js";
export { OUTPUT_WINDOW_BYTES } from "./process/output-gate.js";
export type { Warning } from "./process/sandbox.js";
export type * from "./runtime.js";
