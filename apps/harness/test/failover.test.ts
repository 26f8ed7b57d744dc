import { describe, expect, it } from "vitest";
import {
  DEBIAN_ETCD,
  EtcdCluster,
  FlotillaCluster,
  type FlotillaClusterOptions,
  type Member,
  waitFor,
} from "../src/index.js";
import { Beacon } from "./beacon.js";
import { has, temporaryDirectory, untilFinished } from "./support.js";

const UNIT = "beacon.service";

async function activeOn(member: Member): Promise<string | undefined> {
  const states = await member.api.states();
  return states.find(({ name, active }) => name === UNIT && active === "active")?.machine;
}

async function startBeacon(options: Omit<FlotillaClusterOptions, "directory">) {
  const directory = temporaryDirectory();
  const cluster = untilFinished(await FlotillaCluster.start({ directory, ...options }));
  const beacon = new Beacon(directory);
  await cluster.other().api.put(UNIT, { content: beacon.unit(), desired: "launched" });
  await waitFor("the unit to run", () => activeOn(cluster.other()));
  return { cluster, beacon };
}

/** Kills the member that runs the unit; resolves to what happened once it runs elsewhere. */
async function killAndWait(cluster: FlotillaCluster) {
  const machine = (await activeOn(cluster.other())) ?? "";
  const victim = await cluster.byMachine(machine);
  const killed = performance.now();
  await victim.kill();
  const witness = cluster.other(victim);
  const now = await waitFor("the unit to run elsewhere", async () => {
    const active = await activeOn(witness);
    return active !== machine && active;
  });
  return { victim, witness, now, milliseconds: performance.now() - killed };
}

async function restartAndCheck(
  { victim, witness, now }: Awaited<ReturnType<typeof killAndWait>>,
  beacon: Beacon,
): Promise<void> {
  victim.start();
  await victim.ready();
  // The machine that came back learned that the unit moved: it must not start it again.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(await activeOn(witness)).toBe(now);
  expect(await activeOn(victim)).toBe(now);
  expect((await victim.api.unit(UNIT)).content).toBe(beacon.unit());
  expect(beacon.alive()).toHaveLength(1);
  expect(beacon.overlaps()).toEqual([]);
}

describe("a machine's death", () => {
  it("moves its unit to another, and the machine that comes back does not run it too", async () => {
    const { cluster, beacon } = await startBeacon({});
    const moved = await killAndWait(cluster);
    expect(moved.milliseconds).toBeLessThan(10_000);
    await restartAndCheck(moved, beacon);
  }, 90_000);

  it("moves its unit when it led the store", async () => {
    const { cluster, beacon } = await startBeacon({});
    // Kill until the one that runs the unit is the leader: each restart leaves a candidate behind.
    for (let round = 0; ; round++) {
      const machine = (await activeOn(cluster.other())) ?? "";
      const holder = await cluster.byMachine(machine);
      const { leader } = (await holder.api.cluster()).store;
      if (leader === holder.name) break;
      expect(round).toBeLessThan(10);
      const leading = cluster.members.find(({ name }) => name === leader);
      await leading?.kill();
      await waitFor("a new leader", async () => {
        const now = (await holder.api.cluster()).store.leader;
        return now !== undefined && now !== leader;
      });
      leading?.start();
      await leading?.ready();
    }
    const moved = await killAndWait(cluster);
    expect(moved.milliseconds).toBeLessThan(10_000);
    await restartAndCheck(moved, beacon);
  }, 120_000);

  it.skipIf(!has(DEBIAN_ETCD))(
    "moves its unit on an existing etcd",
    async () => {
      const etcd = untilFinished(
        await EtcdCluster.start({
          directory: temporaryDirectory(),
          members: 1,
          command: [DEBIAN_ETCD],
        }),
      );
      const store = `etcd://${etcd.endpoints.map((url) => url.slice("http://".length)).join(",")}`;
      const { cluster, beacon } = await startBeacon({ store });
      const moved = await killAndWait(cluster);
      expect(moved.milliseconds).toBeLessThan(10_000);
      await restartAndCheck(moved, beacon);
    },
    90_000,
  );
});

describe("a store out of reach", () => {
  it("stops no unit, and all heals afterwards", async () => {
    const { cluster, beacon } = await startBeacon({});
    const machine = (await activeOn(cluster.other())) ?? "";
    const runner = await cluster.byMachine(machine);
    const pid = await waitFor("its first breath", () => beacon.alive()[0]);
    const others = cluster.members.filter((member) => member !== runner);
    for (const other of others) other.process.pause();
    await waitFor("the member to notice", async () => {
      const { status } = await fetch(`${runner.api.url}/health`);
      return status === 503;
    });
    await new Promise((resolve) => setTimeout(resolve, 60_000));
    expect(beacon.alive()).toEqual([pid]);
    for (const other of others) other.process.resume();
    await Promise.all(cluster.members.map((member) => member.ready()));
    await waitFor("every machine", async () => (await runner.api.machines()).length === 3);
    // Long enough for an engine that took the machines for dead to have moved the unit.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(await activeOn(runner)).toBe(machine);
    expect(beacon.alive()).toEqual([pid]);
    expect(beacon.overlaps()).toEqual([]);
  }, 150_000);
});
