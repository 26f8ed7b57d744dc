import { afterEach, describe, expect, it } from "vitest";
import { MessageType, RaftError } from "../../src/index.js";
import { type Member, MemoryNetwork, type RaftGroup } from "../../src/node/index.js";
import { leaderOf, openGroup, until, Words } from "./helpers.js";

type Group = RaftGroup<string, number>;
const open: Group[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((group) => group.close()));
});

async function three(): Promise<{ groups: Group[]; machines: Words[]; network: MemoryNetwork }> {
  const network = new MemoryNetwork();
  const machines = [new Words(), new Words(), new Words()];
  const groups: Group[] = [];
  for (const [at, stateMachine] of machines.entries()) {
    groups.push(
      await openGroup({ id: at + 1, transport: network.transport(at + 1), stateMachine }),
    );
  }
  open.push(...groups);
  return { groups, machines, network };
}

describe("a group in memory", () => {
  it("serves alone at once", async () => {
    const stateMachine = new Words();
    const members = [{ id: 7, address: "", context: new Uint8Array(), learner: false }];
    const transport = new MemoryNetwork().transport(7);
    const group = await openGroup({ id: 7, members, transport, stateMachine });
    open.push(group);
    await until("it leads", () => group.isLeader);
    expect(await group.propose("one")).toBe(1);
    expect(await group.propose("two")).toBe(2);
    expect(await group.readBarrier()).toBeGreaterThanOrEqual(4);
  });

  it("replicates to three, whoever proposes, and each gets its own result", async () => {
    const { groups, machines } = await three();
    await leaderOf(groups);
    const proposed = groups.flatMap((group, at) =>
      Array.from({ length: 20 }, (_, n) => group.propose(`${at}-${n}`)),
    );
    const results = await Promise.all(proposed);
    expect(new Set(results).size).toBe(60);
    const indexes = await Promise.all(groups.map((group) => group.readBarrier()));
    expect(Math.min(...indexes)).toBeGreaterThanOrEqual(60);
    expect(machines[1]!.words).toEqual(machines[0]!.words);
    expect(machines[2]!.words).toEqual(machines[0]!.words);
    for (const [at, result] of results.entries()) {
      expect(machines[0]!.words[result - 1]).toBe(`${Math.floor(at / 20)}-${at % 20}`);
    }
  });

  it("ends a proposal of a cut-off leader as lost once the group went on without it", async () => {
    const { groups, network } = await three();
    const leader = await leaderOf(groups);
    const { id } = leader.status();
    network.isolate(id);
    const lost = leader.propose("lost").catch((error: unknown) => error);
    const others = groups.filter((group) => group !== leader);
    await leaderOf(others);
    await others[0]!.propose("kept");
    network.heal();
    const error = await lost;
    expect(RaftError.is(error) && error.code).toBe("proposal-dropped");
    await until("it follows", () => leader.status().applied >= others[0]!.status().applied);
  });

  it("never forwards what only the leader may propose", async () => {
    const { groups } = await three();
    const leader = await leaderOf(groups);
    const follower = groups.find((group) => group !== leader)!;
    await expect(follower.propose("x", { onlyAsLeader: true })).rejects.toMatchObject({
      code: "proposal-dropped",
    });
    const { term } = leader.status();
    await expect(leader.propose("x", { onlyAsLeader: true, term: term - 1 })).rejects.toMatchObject(
      { code: "proposal-dropped" },
    );
    expect(await leader.propose("x", { onlyAsLeader: true, term })).toBe(1);
  });

  it("moves leadership on demand", async () => {
    const { groups } = await three();
    const leader = await leaderOf(groups);
    const other = groups.find((group) => group !== leader)!;
    await leader.transferLeadership(other.status().id);
    await until("the other leads", () => other.isLeader);
    expect(await leader.propose("after")).toBe(1);
  });

  it("answers a read on a member that lags only once it has caught up", async () => {
    const { groups, machines, network } = await three();
    const leader = await leaderOf(groups);
    const slow = groups.find((group) => group !== leader)!;
    const { id } = slow.status();
    let confirmed = false;
    network.filter = ({ type, to }) => {
      if (type === MessageType.ReadIndexResp && to === id) confirmed = true;
      return type !== MessageType.App || to !== id;
    };
    await leader.propose("a");
    let answered = false;
    const read = slow.readBarrier().then(() => {
      answered = true;
    });
    await until("the leader confirmed the read", () => confirmed);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(false);
    network.filter = () => true;
    await read;
    expect(machines[id - 1]!.words).toEqual(["a"]);
  });

  it("refuses a second membership change while one is under way", async () => {
    const { groups } = await three();
    const leader = await leaderOf(groups);
    const context = new Uint8Array();
    const first = leader.addLearner({ id: 4, address: "", context });
    const second = leader.addLearner({ id: 5, address: "", context });
    await expect(second).rejects.toMatchObject({ code: "proposal-dropped" });
    await first;
    await leader.addLearner({ id: 5, address: "", context });
    await leader.updateMember({ id: 5, address: "there", context: new Uint8Array([9]) });
    const known = (): Member | undefined => groups[0]!.members().find(({ id }) => id === 5);
    await until("the first knows", () => known()?.address === "there");
    expect(known()).toEqual({
      id: 5,
      address: "there",
      context: new Uint8Array([9]),
      learner: true,
    });
    await expect(leader.removeMember(9)).rejects.toMatchObject({ code: "invalid-config" });
  });
});
