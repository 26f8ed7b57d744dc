import { defineConfig } from "tsup";
import { esm } from "../../tsup.base.js";

export default defineConfig(
  esm({
    index: "src/index.ts",
    "api/types": "src/api/types.ts",
    main: "src/main.ts",
    "etcd/main": "src/etcd/main.ts",
  }),
);
