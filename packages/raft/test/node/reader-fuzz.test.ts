import { expect, it } from "vitest";
import { corpus, fuzzRound } from "../fuzz/readers.js";

/** `npm run fuzz` goes on from there for longer. */
const SEEDS = 3000;

it(`the readers of logs and snapshots stand whatever they read (${SEEDS} seeds)`, async () => {
  const files = await corpus();
  let refused = 0;
  for (let seed = 1; seed <= SEEDS; seed++) if (fuzzRound(files, seed)) refused++;
  expect(refused).toBeGreaterThan(SEEDS / 3);
  expect(refused).toBeLessThan(SEEDS);
});
