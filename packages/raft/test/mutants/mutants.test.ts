import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { mutants, mutate } from "./mutants.mjs";

const packages = new URL("../../../", import.meta.url);

/** Sources move on; `npm run mutants` itself takes minutes. */
it.each(mutants)("the mutant fits its source: $name", (mutant) => {
  const source = readFileSync(new URL(mutant.file, packages), "utf8");
  expect(mutate(mutant, source)).not.toBe(source);
  const { by } = mutant;
  if (by.includes("/")) expect(existsSync(new URL(by, packages))).toBe(true);
});
