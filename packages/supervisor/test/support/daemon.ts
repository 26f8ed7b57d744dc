// A daemon to be killed by a test: it loads and starts the units of its argument, then says so.
import { join } from "node:path";
import { createRuntime } from "@flotilla/container";
import { createSupervisor } from "../../src/index.js";

const { directory, units, helper } = JSON.parse(process.argv[2] ?? "{}") as {
  readonly directory: string;
  readonly helper: string;
  readonly units: Readonly<Record<string, string>>;
};
const runtime = await createRuntime({
  directory: join(directory, "runtime"),
  adoptMs: 60_000,
  helper,
});
const supervisor = await createSupervisor({ runtime, directory: join(directory, "state") });
for (const [name, content] of Object.entries(units)) await supervisor.load(name, content);
for (const name of Object.keys(units)) await supervisor.start(name);
console.log("up");
