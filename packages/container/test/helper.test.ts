import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { HELPER } from "./built.js";
import { exists } from "./support.js";

const run = promisify(execFile);
const TRIPLETS = ["x86_64-linux-gnu", "aarch64-linux-gnu", "riscv64-linux-gnu"];

test("the helper needs no module but perl-base's", async ({ skip }) => {
  const bases = TRIPLETS.map((triplet) => `/usr/lib/${triplet}/perl-base`);
  const present = await Promise.all(bases.map(exists));
  const base = bases.find((_, index) => present[index]);
  if (base === undefined) return skip("no perl-base directory: not Debian");
  // Nothing but perl-base and the helper's own directory is searched.
  const restrict = `BEGIN { @INC = ("${base}") }`;
  const script = `${restrict} $0 = shift; @ARGV = ("lock=/nonexistent"); do $0; print $@`;
  const { stdout } = await run("/usr/bin/perl", ["-e", script, HELPER]).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toContain("/nonexistent: No such file or directory");
});

test("each part compiles without a warning", async () => {
  const directory = join(HELPER, "..");
  for (const file of await readdir(directory)) {
    const { stderr } = await run("/usr/bin/perl", ["-I", directory, "-wc", join(directory, file)]);
    expect(stderr.trim()).toBe(`${join(directory, file)} syntax OK`);
  }
});
