// npm run conformance:files -w @flotilla/units [-- PACKAGES [FUZZ-FOLDER]]
//
// Gathers unit files from Debian packages (and systemd's own test/fuzz/fuzz-unit-file, where its
// folder is named) and compares what this package and `systemd-analyze verify` make of each: the lines
// that are complained of, whether the unit is refused, and of services the commands, environment,
// dependencies and settings. Exit code 1 when there are others than those that differences.ts
// explains.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseUnitFile, serializeUnitFile } from "../../src/index.js";
import { NEEDS_SYSTEMD, systemdVersion } from "../systemd.js";
import { compareFiles } from "./compare.js";
import { explain } from "./differences.js";
import { gatherDebian, readFuzzCases, readTree } from "./gather.js";

if (systemdVersion() === undefined) {
  console.error(`skipped: ${NEEDS_SYSTEMD}`);
  process.exit(2);
}
const [packages = "360", fuzzFolder] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "flotilla-corpus-"));
try {
  const installed = readTree("/lib/systemd/system", "installed");
  const gathered = gatherDebian(folder, Number(packages));
  const fuzz = fuzzFolder === undefined ? [] : readFuzzCases(fuzzFolder);
  const files = [...installed, ...gathered, ...fuzz];
  const lossy = files.filter(({ text }) => serializeUnitFile(parseUnitFile(text)) !== text);
  const { facts, differences } = compareFiles(files);
  const unexplained = differences.filter((one) => explain(one) === undefined);
  for (const { origin, name, what, ours, theirs } of unexplained) {
    console.log(`${origin} ${name}: ${what}\n  ours   ${ours}\n  theirs ${theirs}`);
  }
  const bytes = files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  console.log(
    `${files.length} files, ${(bytes / 1000).toFixed(0)} KB: ${installed.length} installed, ` +
      `${gathered.length} of ${packages} packages, ${fuzz.length} of systemd's fuzz cases; ` +
      `${lossy.length} with loss; verdicts of all and facts of ${facts} services compared: ` +
      `${differences.length - unexplained.length} differences with a known reason, ` +
      `${unexplained.length} others`,
  );
  process.exitCode = unexplained.length + lossy.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
