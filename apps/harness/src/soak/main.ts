import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseSeed, seededRandom } from "../process/random.js";
import { killSoak } from "./kill-soak.js";

/** `npm run sim -w @flotilla/harness`: KILLS SIGKILLs (200) under write load, by SEED. */
const kills = Number(process.env["KILLS"] ?? 200);
const seed = chooseSeed();
console.log(`${kills} SIGKILLs under write load, SEED=${seed}`);
const directory = mkdtempSync(join(tmpdir(), "flotilla-soak-"));
const start = performance.now();
const result = await killSoak({
  directory,
  kills,
  random: seededRandom(seed),
  onKill(kill, member, acknowledged) {
    if (kill % 10 === 0)
      console.log(`kill ${kill}: ${member}, ${acknowledged} writes acknowledged`);
  },
});
const seconds = ((performance.now() - start) / 1_000).toFixed(0);
const equal = new Set(result.hashes.map(({ hash }) => hash)).size === 1;
console.log(
  `${result.acknowledged} acknowledged, ${result.uncertain} uncertain, ${result.lost.length} lost, ${result.twice.length} applied twice, ` +
    `hashes at revision ${result.revision} ${equal ? "equal" : "DIFFER"}: ${result.hashes.map(({ hash }) => hash).join(" ")} (${seconds} s)`,
);
const good = equal && result.lost.length === 0 && result.twice.length === 0;
if (good) rmSync(directory, { recursive: true, force: true });
else console.log(`kept: ${directory}`);
process.exit(good ? 0 : 1);
