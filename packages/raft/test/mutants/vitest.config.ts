import { defineConfig } from "vitest/config";
import { mutants, mutate } from "./mutants.mjs";

const mutant = mutants[Number(process.env["MUTANT"])]!;

/** Runs tests against the core with the mutant of MUTANT in it. */
export default defineConfig({
  plugins: [
    {
      name: "mutant",
      enforce: "pre",
      transform: (code: string, id: string) =>
        id.endsWith(`/src/core/${mutant.file}`) ? mutate(mutant, code) : null,
    },
  ],
});
