import { expect, it } from "vitest";
import { chooseSeed, seededRandom } from "../src/process/random.js";
import { killSoak } from "../src/soak/kill-soak.js";
import { temporaryDirectory } from "./support.js";

it("loses no acknowledged write and applies none twice while members are killed", async () => {
  const seed = chooseSeed();
  console.log(`SEED=${seed}`);
  const result = await killSoak({
    directory: temporaryDirectory(),
    kills: 12,
    random: seededRandom(seed),
  });
  expect(result.lost).toEqual([]);
  expect(result.twice).toEqual([]);
  expect(result.acknowledged).toBeGreaterThan(100);
  expect(result.hashes).toHaveLength(3);
  expect(new Set(result.hashes.map(({ hash }) => hash)).size).toBe(1);
}, 180_000);
