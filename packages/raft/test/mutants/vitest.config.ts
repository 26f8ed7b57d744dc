import type { ViteUserConfig } from "vitest/config";
import { tests } from "../../../../vitest.base.js";
import { mutants, mutate } from "./mutants.mjs";

const mutant = mutants[Number(process.env["MUTANT"])]!;

/** Runs tests against sources with the mutant of MUTANT in them. */
const config: ViteUserConfig = {
  ...tests({ reporters: ["tap-flat"] }),
  plugins: [
    {
      name: "mutant",
      enforce: "pre",
      transform: (code: string, id: string) =>
        id.replaceAll("\\", "/").endsWith(`/packages/${mutant.file}`) ? mutate(mutant, code) : null,
    },
  ],
};

export default config;
