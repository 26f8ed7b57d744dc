import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { OUTPUT_WINDOW_BYTES } from "../src/index.js";
import { observe, PATH, testRuntime, until } from "./support.js";

const MEBIBYTE = 1 << 20;

test("a reader that pauses stops the writer; nothing is lost", async () => {
  const runtime = await testRuntime();
  const { sandbox } = await observe(runtime);
  let received = 0;
  const read = ({ data }: { data: Uint8Array }): void => {
    received += data.length;
  };
  sandbox.onOutput = undefined;
  const script = "$| = 1; my $x = 'x' x 65536; for (1 .. 128) { print $x; print STDERR '.' }";
  const writer = await sandbox.exec({
    path: "perl",
    argv: ["perl", "-e", script],
    environment: { PATH },
  });
  await writer.executed;
  // Blocked: it sleeps in a write to its pipe.
  await until(async () => (await readFile(`/proc/${writer.pid}/wchan`, "utf8")).includes("pipe"));
  await until(async () => (await memoryOf(runtime.helperPid)) < 24 * MEBIBYTE);
  expect(received).toBe(0);
  sandbox.onOutput = read;
  expect(received).toBeLessThanOrEqual(OUTPUT_WINDOW_BYTES + 65536);
  expect(await writer.exited).toEqual({ type: "exited", code: 0 });
  await until(() => received === 128 * 65536 + 128);
});

test("what was written before the end arrives before the end", async () => {
  const { output, run } = await observe(await testRuntime());
  for (let round = 0; round < 5; round++) {
    output.stdout = "";
    await run({ path: "perl", argv: ["perl", "-e", "print 'x' x 60000; print 'end'"] });
    expect(output.stdout.length).toBe(60003);
    expect(output.stdout.endsWith("end")).toBe(true);
  }
});

test("output of a process that outlives its parent still arrives", async () => {
  const { output, shell } = await observe(await testRuntime());
  await shell("(sleep 0.1; echo later) & echo now");
  expect(output.stdout).toBe("now\n");
  await until(() => output.stdout === "now\nlater\n");
});

async function memoryOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) * 1024;
}
