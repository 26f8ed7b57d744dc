import { spawnSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { collect, startHarness, temporaryDirectory } from "./support/harness.js";

const A = "a.service";

/** A file system of 256 KiB; false where this user may not mount one. */
function mountSmall(directory: string): boolean {
  const options = ["-t", "tmpfs", "-o", "size=256k", "tmpfs", directory];
  return spawnSync("mount", options, { stdio: "ignore" }).status === 0;
}

it("a full disk stops no service; what was lost is told when there is room again", async (context) => {
  const outer = await temporaryDirectory();
  const directory = join(outer, "small");
  await mkdir(directory);
  if (!mountSmall(directory)) context.skip("mounting a tmpfs needs root");
  onTestFinished(() => {
    spawnSync("umount", ["-l", directory]);
  });
  const { supervisor } = await startHarness({ directory });
  await writeFile(join(directory, "ballast"), Buffer.alloc(150 * 1024));
  await supervisor.load(
    A,
    '[Service]\nExecStart=/usr/bin/perl -e \'use POSIX; $|=1; while (1) { print "x" x 1000, "\\n" for 1..20; select undef, undef, undef, 0.02 }\'\n',
  );
  expect(await supervisor.start(A)).toBe("done");
  const messages = async () => (await collect(supervisor.journal(A))).map((e) => e.message);
  while ((await messages()).length < 50) await sleep(20);
  await sleep(200);
  const { mainPid } = (await supervisor.status(A))!;
  expect(() => process.kill(mainPid, 0)).not.toThrow();
  const full = (await messages()).length;
  await rm(join(directory, "ballast"));
  while ((await messages()).length <= full) await sleep(20);
  const told = (await messages()).find((message) => message.endsWith("could not be written."));
  expect(told).toMatch(/^\d+ journal entries were lost/);
  expect(await supervisor.status(A)).toMatchObject({ sub: "running", restarts: 0 });
});
