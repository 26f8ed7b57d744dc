import { it } from "vitest";
import { checkCluster } from "./check.js";

/** A bounded part of `npm run sim`, always the same. */
it("plans as from scratch and as the oracle, whatever befalls the cluster", () => {
  for (let seed = 1; seed <= 25; seed++) checkCluster(seed);
}, 60_000);
