import { expect, it, onTestFinished } from "vitest";
import { FlotillaCluster, freePorts, Member, waitFor } from "../src/index.js";
import { run } from "./run.js";
import { ETCDCTL, has, temporaryDirectory, untilFinished } from "./support.js";

it.skipIf(!has(ETCDCTL))(
  "a machine joins a running cluster and runs units",
  async () => {
    const directory = temporaryDirectory();
    const cluster = untilFinished(await FlotillaCluster.start({ directory }));
    const [client = 0, peer = 0, api = 0, dns = 0] = await freePorts(4);
    const peerUrl = `http://127.0.0.1:${peer}`;
    const added = await run(
      ETCDCTL,
      [
        "--endpoints",
        cluster.clientUrls.join(","),
        "member",
        "add",
        "n4",
        `--peer-urls=${peerUrl}`,
      ],
      { env: { ETCDCTL_API: "3" } },
    );
    expect(added.stderr + added.stdout).toMatch(/Member +[0-9a-f]+ added to cluster/);
    const member = new Member("n4", directory, { client, peer, api, dns }, [
      `--initial-cluster=n4=${peerUrl}`,
      `--join=${cluster.clientUrls.join(",")}`,
    ]);
    onTestFinished(async () => {
      await member.stop();
    });
    member.start();
    await member.ready();
    const machine = await member.machineId();
    await cluster.other().api.put("here.service", {
      content: `[Service]\nExecStart=/bin/sleep 1000\n[X-Fleet]\nMachineID=${machine}\n`,
      desired: "launched",
    });
    await waitFor("the unit to run on the new machine", async () => {
      const states = await cluster.other().api.states();
      return states.some((state) => state.machine === machine && state.active === "active");
    });
    expect(await cluster.other().api.machines()).toHaveLength(4);
    // It is found again after a restart, without being told to join.
    await member.kill();
    member.start();
    await member.ready();
  },
  90_000,
);
