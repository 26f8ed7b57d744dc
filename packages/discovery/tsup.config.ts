import { defineConfig } from "tsup";
import { esm } from "../../tsup.base.js";

export default defineConfig(
  esm({
    index: "src/index.ts",
    "testing/index": "src/testing/index.ts",
  }),
);
