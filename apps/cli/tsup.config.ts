import { defineConfig } from "tsup";
import { esm } from "../../tsup.base.js";

export default defineConfig(
  esm({
    index: "src/index.ts",
    main: "src/main.ts",
  }),
);
