import { afterEach, describe, expect, it } from "vitest";
import { MemoryNetwork, type RaftGroup } from "../../src/node/index.js";
import { leaderOf, type Options, openGroup, until, Words } from "./helpers.js";

type Group = RaftGroup<string, number>;
const open: Group[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((group) => group.close()));
});

/** A leader whose followers hear nothing more, and which has patience enough not to step down. */
async function cutOff(more: Partial<Options>): Promise<{ leader: Group; network: MemoryNetwork }> {
  const network = new MemoryNetwork();
  const groups: Group[] = [];
  for (const id of [1, 2, 3]) {
    const transport = network.transport(id);
    const options = { id, transport, stateMachine: new Words(), electionTicks: 500 };
    groups.push(await openGroup({ ...options, ...more }));
  }
  open.push(...groups);
  groups[0]!.campaign();
  const leader = await leaderOf(groups);
  for (const id of [2, 3]) network.isolate(id);
  return { leader, network };
}

async function codesOf(proposed: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const one of await Promise.allSettled(proposed)) {
    const code = one.status === "fulfilled" ? "result" : (one.reason.code as string);
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}

describe("a leader that commits nothing", () => {
  it("takes so many proposals and refuses the rest at once", async () => {
    const { leader, network } = await cutOff({ maxPendingProposals: 100 });
    const proposed = Array.from({ length: 150 }, (_, n) => leader.propose(`${n}`));
    expect(await codesOf(proposed.slice(100))).toEqual({ "proposal-dropped": 50 });
    await expect(proposed[149]).rejects.toThrow("maxPendingProposals, 100, are waiting");
    expect(leader.status()).toMatchObject({ pendingProposals: 100, pendingBytes: 190 });
    network.heal();
    expect(await codesOf(proposed.slice(0, 100))).toEqual({ result: 100 });
    expect(leader.status()).toMatchObject({ pendingProposals: 0, pendingBytes: 0 });
    expect(await leader.propose("room again")).toBe(101);
  });

  it("takes so many bytes, but one that is larger than that where nothing waits", async () => {
    const { leader, network } = await cutOff({ maxPendingBytes: 10_000 });
    const large = leader.propose("x".repeat(20_000));
    await expect(leader.propose("y")).rejects.toThrow("20000 bytes are waiting");
    network.heal();
    expect(await large).toBe(1);
    for (const id of [2, 3]) network.isolate(id);
    const proposed = Array.from({ length: 15 }, () => leader.propose("x".repeat(1_000)));
    expect(await codesOf(proposed.slice(10))).toEqual({ "proposal-dropped": 5 });
    network.heal();
    expect(await codesOf(proposed.slice(0, 10))).toEqual({ result: 10 });
  });

  it("takes no more than it may have uncommitted, whoever proposes", async () => {
    const { leader, network } = await cutOff({ maxUncommittedBytes: 10_000 });
    const proposed: Promise<unknown>[] = [];
    for (let n = 0; n < 15; n++) {
      const one = leader.propose("x".repeat(1_000));
      one.catch(() => {});
      proposed.push(one);
      // Each in a message of its own: all of a message is taken, or nothing.
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const settled = codesOf(proposed);
    await until("the rest was refused", () => leader.status().pendingProposals! <= 10);
    network.heal();
    const { result, "proposal-dropped": refused } = await settled;
    expect(result! + refused!).toBe(15);
    expect(refused).toBeGreaterThanOrEqual(5);
  });

  it("refuses a command that is too large, before anything else is touched", async () => {
    const { leader } = await cutOff({ maxCommandBytes: 100 });
    await expect(leader.propose("x".repeat(101))).rejects.toMatchObject({
      code: "proposal-dropped",
    });
    expect(leader.status().pendingProposals).toBe(0);
  });
});
