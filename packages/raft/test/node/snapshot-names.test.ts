import { afterEach, describe, expect, it } from "vitest";
import { MessageType } from "../../src/index.js";
import { MemoryNetwork, type RaftGroup } from "../../src/node/index.js";
import { leaderOf, member, type Options, openGroup, until, Words } from "./helpers.js";

const open: RaftGroup<string, number>[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((group) => group.close()));
});

/** A group of one whose log begins at a snapshot, and a member that waits to be added to it. */
async function compacted(): Promise<{
  network: MemoryNetwork;
  group: RaftGroup<string, number>;
  machine: Words;
  start: (id: number) => Promise<{ group: RaftGroup<string, number>; machine: Words }>;
}> {
  const network = new MemoryNetwork();
  const begin = async (id: number, more: Partial<Options>) => {
    const machine = new Words();
    const transport = network.transport(id);
    const settings = { members: [member(1)], snapshotEntries: 50, keepEntries: 5, ...more };
    const group = await openGroup({ id, transport, stateMachine: machine, ...settings });
    open.push(group);
    return { group, machine };
  };
  const { group, machine } = await begin(1, {});
  await leaderOf([group]);
  for (let n = 0; n < 60; n++) await group.propose(`${n}`);
  await until("the log was compacted", () => group.status().firstIndex > 1);
  return { network, group, machine, start: async (id) => await begin(id, { join: true }) };
}

describe("a member that was added after the last snapshot", () => {
  it("is sent one that names it, though nothing else is proposed", async () => {
    const { group, start } = await compacted();
    const before = group.status().snapshotIndex;
    const joined = await start(2);
    await group.addLearner(member(2));
    await until("it has all", () => joined.group.status().applied === group.status().applied);
    expect(joined.machine.words).toHaveLength(60);
    expect(joined.machine.restores).toBe(1);
    expect(group.status().snapshotIndex).toBeGreaterThan(before);
    await group.promote(2);
    expect(await joined.group.propose("x")).toBe(61);
  });

  it("waits while no snapshot can be taken, and gets one when it can", async () => {
    const { network, group, machine, start } = await compacted();
    const snapshot = machine.snapshot.bind(machine);
    let attempts = 0;
    machine.snapshot = () => {
      attempts++;
      throw new Error("not now");
    };
    const joined = await start(2);
    await group.addLearner(member(2));
    await until("one was tried", () => group.status().snapshotError !== null);
    // The core asks with each heartbeat; a failing snapshot is costly and not tried so often.
    let answers = 0;
    network.filter = ({ type }) => {
      if (type === MessageType.HeartbeatResp) answers++;
      return true;
    };
    await until("heartbeats were answered", () => answers >= 5);
    expect(attempts).toBe(1);
    await group.propose("x");
    machine.snapshot = snapshot;
    await until("it has all", () => joined.machine.words.length === 61);
  });
});
