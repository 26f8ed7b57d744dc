import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createRuntime } from "@flotilla/container";
import { createSupervisor } from "@flotilla/supervisor";

/** Prints how long services take to start and stop, and how many lines a second the journal takes. */
const UNITS = 200;
const LINES = 500_000;
/** Bundled, the runtime does not find it by itself. */
const HELPER = resolve("../container/helper/spawner.pl");

const directory = await mkdtemp(join(tmpdir(), "supervisor-bench-"));
const supervisor = await createSupervisor({
  runtime: await createRuntime({ directory: join(directory, "runtime"), helper: HELPER }),
  directory,
});

const starts: number[] = [];
const stops: number[] = [];
for (let i = 0; i < UNITS; i += 1) {
  await supervisor.load(`u${i}.service`, "[Service]\nType=exec\nExecStart=/bin/sleep 600\n");
}
for (let i = 0; i < UNITS; i += 1) {
  starts.push(await timed(() => supervisor.start(`u${i}.service`)));
}
for (let i = 0; i < UNITS; i += 1) {
  stops.push(await timed(() => supervisor.stop(`u${i}.service`)));
}
const together = await timed(() =>
  Promise.all(Array.from({ length: UNITS }, (_, i) => supervisor.start(`u${i}.service`))),
);
console.log(`start (Type=exec), one by one: median ${median(starts)} ms`);
console.log(`stop, one by one: median ${median(stops)} ms`);
console.log(`start of ${UNITS} at once: ${together.toFixed(0)} ms`);

await supervisor.load(
  "lines.service",
  `[Service]\nType=oneshot\nExecStart=/usr/bin/perl -e 'print "x" x 99, "\\n" for 1..${LINES}'\n`,
);
const written = await timed(() => supervisor.start("lines.service"));
console.log(`journal: ${((LINES / written) * 1000).toFixed(0)} lines of 100 bytes a second`);
const tail = await timed(async () => {
  for await (const entry of supervisor.journal("lines.service", { lines: 10 })) void entry;
});
console.log(`tail of 10 lines: ${tail.toFixed(1)} ms`);

await supervisor.shutdown();
await rm(directory, { recursive: true });

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

function median(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(1);
}
