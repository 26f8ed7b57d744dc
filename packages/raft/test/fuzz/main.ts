/**
 * Feeds damaged logs and snapshots to their readers: `npm run fuzz -w @flotilla/raft`. `SECONDS=60`
 * says how long, `FROM=1` with which seed it begins; `SEED=7` runs one alone.
 */
import { corpus, fuzzRound } from "./readers.js";

const TELL_MS = 5000;
const one = process.env["SEED"];
const from = Number(one ?? process.env["FROM"] ?? Math.floor(Math.random() * 1e9));
const end = performance.now() + Number(process.env["SECONDS"] ?? 60) * 1000;

const files = await corpus();
console.log(`seeds from ${from}`);
let seed = from;
let refused = 0;
let told = performance.now();
try {
  do {
    if (fuzzRound(files, seed)) refused++;
    seed++;
    if (performance.now() - told < TELL_MS) continue;
    told = performance.now();
    console.log(`up to seed ${seed - 1}, ${refused} refused in log and snapshot`);
  } while (one === undefined && performance.now() < end);
  console.log(`${seed - from} seeds (${from} to ${seed - 1}), nothing found`);
} catch (error) {
  console.error(`SEED=${seed} found:`, error);
  process.exitCode = 1;
}
