import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRuntime } from "@flotilla/container";
import { createSupervisor } from "@flotilla/supervisor";

const directory = await mkdtemp(join(tmpdir(), "supervisor-"));
const supervisor = await createSupervisor({
  runtime: await createRuntime({ directory: join(directory, "runtime") }),
  directory,
});
supervisor.onChange(({ name, sub, result }) => console.log(`${name}: ${sub} (${result})`));

await supervisor.load(
  "schema.service",
  `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/echo creating tables`,
);
await supervisor.load(
  "web.service",
  `[Unit]
Requires=schema.service
After=schema.service
[Service]
ExecStart=/bin/sh -c 'echo serving; exec sleep 60'
Restart=on-failure`,
);

console.log(await supervisor.start("web.service")); // "done", after schema.service
for await (const entry of supervisor.journal("web.service", { follow: true })) {
  console.log(`${entry.source}: ${entry.message}`); // supervisor: Started …, stdout: serving
  if (entry.message === "serving") break;
}
await supervisor.stop("web.service");
await supervisor.shutdown();
await rm(directory, { recursive: true });
