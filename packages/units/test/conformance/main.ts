// npm run conformance -w @flotilla/units [-- COUNT [SEED]]
//
// Puts generated calendar expressions, time spans and names before systemd-analyze and
// systemd-escape and before this package, and tells every difference. Exit code 1 when there are
// others than those that differences.ts explains.
import { NEEDS_SYSTEMD, systemdVersion } from "../systemd.js";
import { compareAll } from "./compare.js";
import { explain } from "./differences.js";
import { generate } from "./generate.js";

if (systemdVersion() === undefined) {
  console.error(`skipped: ${NEEDS_SYSTEMD}`);
  process.exit(2);
}
const [count = "10000", seed = "20140"] = process.argv.slice(2);
const start = performance.now();
const samples = generate(Number(count), Number(seed));
const { compared, differences } = compareAll(samples);
const unexplained = differences.filter((one) => explain(one) === undefined);
for (const one of unexplained) {
  console.log(
    `${one.what}: ${JSON.stringify(one.input)}\n  ours   ${one.ours}\n  theirs ${one.theirs}`,
  );
}
const seconds = ((performance.now() - start) / 1000).toFixed(0);
console.log(
  `${compared} values (seed ${seed}): ${samples.calendars.length} calendar expressions, ` +
    `${samples.spans.length} time spans, ${samples.names.length} names; ` +
    `${differences.length - unexplained.length} differences with a known reason, ` +
    `${unexplained.length} others; ${seconds} s`,
);
process.exitCode = unexplained.length === 0 ? 0 : 1;
