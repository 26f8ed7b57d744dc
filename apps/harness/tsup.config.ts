import { defineConfig } from "tsup";
import { esm } from "../../tsup.base.js";

export default defineConfig(
  esm({
    index: "src/index.ts",
    demo: "src/demo/main.ts",
    soak: "src/soak/main.ts",
    "etcd-e2e": "src/etcd-e2e/main.ts",
    "bench-store": "src/bench/store-bench.ts",
    "bench-failover": "src/bench/failover-bench.ts",
  }),
);
