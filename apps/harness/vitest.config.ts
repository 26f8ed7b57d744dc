import { tests } from "../../vitest.base.js";

// Every test starts real clusters: one file after the other, on a machine with few cores.
export default tests({ fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000 });
