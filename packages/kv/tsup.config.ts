import { defineConfig } from "tsup";
import { esm } from "../../tsup.base.js";

export default defineConfig(
  esm({
    index: "src/index.ts",
    "client/index": "src/client/index.ts",
    "recipes/index": "src/recipes/index.ts",
  }),
);
