import { rmSync } from "node:fs";
import { expect, it, onTestFinished } from "vitest";
import { FlotillaCluster, Member, waitFor } from "../src/index.js";
import { cli } from "./run.js";
import { temporaryDirectory, untilFinished } from "./support.js";

it("one machine of three is left for good: its data and units go on as a new cluster", async () => {
  const directory = temporaryDirectory();
  const cluster = untilFinished(await FlotillaCluster.start({ directory }));
  const [survivor, lost, absent] = cluster.members;
  if (!survivor || !lost || !absent) throw new Error("a cluster of three has three members");
  const flotilla = cli([survivor.api.url]);
  expect((await flotilla("kv", "put", "kept", "value")).code).toBe(0);
  await survivor.api.put("kept.service", {
    content: "[Service]\nExecStart=/bin/sleep 1000\n",
    desired: "launched",
  });
  const before = await survivor.api.cluster();
  await Promise.all(cluster.members.map((member) => member.kill()));
  rmSync(lost.directory, { recursive: true });

  // The options of its first start, and the one that says that the others are gone.
  const { name, ports } = survivor;
  const alone = new Member(name, directory, ports, [
    "--cluster-id=flotilla",
    `--initial-cluster=${name}=http://127.0.0.1:${ports.peer}`,
    "--force-new-cluster",
  ]);
  onTestFinished(async () => {
    await alone.stop();
  });
  alone.start();
  await alone.ready();
  expect((await flotilla("kv", "get", "kept", "--print-value-only")).stdout).toBe("value\n");
  expect((await flotilla("kv", "put", "new", "value")).code).toBe(0);
  await waitFor("the unit to run here", async () => {
    const states = await alone.api.states();
    const machine = await alone.machineId();
    return states.some((state) => state.machine === machine && state.active === "active");
  });
  expect((await alone.api.cluster()).clusterId).toBe(before.clusterId);

  // A member of the old cluster that comes back is not let in, and changes nothing.
  absent.start();
  await waitFor("the stranger to be noticed", () => {
    return /of cluster|another cluster|wrong-cluster/.test(
      alone.process.output() + absent.process.output(),
    );
  });
  await absent.kill();
  expect((await alone.api.machines()).map((machine) => machine.name)).toEqual([name]);
}, 120_000);
