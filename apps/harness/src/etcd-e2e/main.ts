import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ETCD } from "../cluster/executables.js";
import { EXPECTED_FAILURES } from "./expected-failures.js";
import { EtcdSuite, missingTools, type TestOutcome } from "./suite.js";

/**
 * `npm run etcd-e2e -w @flotilla/harness [-- FILTER]`: etcd's own end-to-end suite against this
 * repository's `etcd` command (or the program that ETCD names), one test at a time. FILTER is a regular
 * expression over test names. Ends with 1 when a test fails that is not on the list of those that may,
 * or when one passes that is.
 */
const missing = missingTools();
if (missing.length > 0) {
  console.error(`etcd's suite needs Debian's ${missing.join(", ")}: apt-get install them`);
  process.exit(2);
}
const filter = new RegExp(process.argv[2] ?? ".");
const directory = await mkdtemp(join(tmpdir(), "flotilla-etcd-e2e-"));
try {
  console.log("compiling etcd's suite (about a minute)");
  const suite = await EtcdSuite.build(directory, process.env["ETCD"] ?? ETCD);
  const names = (await suite.list()).filter((name) => filter.test(name));
  const outcomes: TestOutcome[] = [];
  for (const name of names) {
    const outcome = await suite.run(name);
    outcomes.push(outcome);
    tell(outcome);
  }
  process.exitCode = summarize(outcomes) ? 0 : 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}

function isExpected({ name, result }: TestOutcome): boolean {
  return (result === "fail") === Object.hasOwn(EXPECTED_FAILURES, name);
}

function tell(outcome: TestOutcome): void {
  const { name, result, durationMs, output } = outcome;
  const reason = EXPECTED_FAILURES[name];
  const note = reason === undefined ? "" : ` (expected to fail: ${reason})`;
  console.log(`${result} ${name} ${(durationMs / 1000).toFixed(1)} s${note}`);
  if (result === "fail" && reason === undefined) console.log(output.replace(/^/gm, "    "));
}

/** True when everything went as the list says. */
function summarize(outcomes: readonly TestOutcome[]): boolean {
  const count = (result: TestOutcome["result"]): number =>
    outcomes.filter((outcome) => outcome.result === result).length;
  console.log(
    `${outcomes.length} tests: ${count("pass")} pass, ${count("fail")} fail, ${count("skip")} skip`,
  );
  const surprises = outcomes.filter((outcome) => !isExpected(outcome));
  for (const { name, result } of surprises) {
    console.log(
      result === "fail" ? `unexpected failure: ${name}` : `passes now, unlist it: ${name}`,
    );
  }
  return surprises.length === 0;
}
