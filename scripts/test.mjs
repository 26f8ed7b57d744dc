// `npm test`: everything that must hold, then one closing line with what ran.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { run } from "./run.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const workspaces = ["packages", "apps"].flatMap((folder) =>
  readdirSync(`${root}/${folder}`).map((name) => `${folder}/${name}`),
);
const reportOf = (workspace) => `${root}/${workspace}/reports/vitest.json`;

spawnSync("sh", [`${root}/scripts/install-test-tools.sh`], { stdio: "inherit" });
for (const workspace of workspaces) rmSync(reportOf(workspace), { force: true });

const filter = process.argv.slice(2);
const checked = run(
  "build, types and lint",
  ["turbo", "run", "build", "typecheck", "lint", ...filter, "--output-logs=errors-only"],
  { optional: true },
);
const tidy = run("unused files, exports and dependencies", ["knip"], { optional: true });
// One package after the other: real processes, disks and elections share few cores.
const tested = run(
  "tests",
  ["turbo", "run", "test", "--concurrency=1", "--continue", ...filter, "--output-logs=new-only"],
  { optional: true },
);

let passed = 0;
let failed = 0;
let skipped = 0;
for (const workspace of workspaces) {
  let report;
  try {
    report = JSON.parse(readFileSync(reportOf(workspace), "utf8"));
  } catch {
    continue;
  }
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped += report.numPendingTests + report.numTodoTests;
  console.log(`${workspace}: ${report.numPassedTests} of ${report.numTotalTests} passed`);
}
if (!checked || !tidy) console.log("build, typecheck or lint failed: see above");
if (!tested && failed === 0) console.log("a test run broke off: see above");
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(checked && tidy && tested && failed === 0 && passed > 0 ? 0 : 1);
