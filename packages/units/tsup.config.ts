import { defineConfig } from "tsup";
import { esm } from "../../tsup.base.js";

export default defineConfig(
  esm({
    index: "src/index.ts",
    analyze: "src/analyze/index.ts",
    node: "src/node/index.ts",
  }),
);
