import { afterEach, describe, expect, it } from "vitest";
import { type Message, MessageType } from "../../src/index.js";
import { type Clock, MemoryNetwork, type RaftGroup } from "../../src/node/index.js";
import { leaderOf, member, type Options, openGroup, until, Words } from "./helpers.js";

type Group = RaftGroup<string, number>;
const open: Group[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((group) => group.close()));
});

/** Three members with so much patience that nothing in these tests ends by its deadline. */
async function three(more: Partial<Options> = {}) {
  const network = new MemoryNetwork();
  const machines = [new Words(), new Words(), new Words()];
  const groups: Group[] = [];
  for (const [at, stateMachine] of machines.entries()) {
    const transport = network.transport(at + 1);
    const options = { id: at + 1, transport, stateMachine, requestTimeoutMs: 60_000, ...more };
    groups.push(await openGroup(options));
  }
  open.push(...groups);
  const leader = await leaderOf(groups);
  const [follower, other] = groups.filter((group) => group !== leader) as [Group, Group];
  return { network, machines, groups, leader, follower, other };
}

/** What a proposal came to. */
async function outcome(proposed: Promise<unknown>): Promise<unknown> {
  return await proposed.then(
    (result) => result,
    (error: { code?: string }) => error.code,
  );
}

const idOf = (group: Group): number => group.status().id;

describe("a proposal on a follower", () => {
  it("needs no tick, neither to be committed nor to be answered", async () => {
    let frozen = false;
    const clock: Clock = {
      now: () => performance.now(),
      setTimeout: (callback, ms) => setTimeout(() => frozen || callback(), ms),
      clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
    };
    const { network, follower, other } = await three({ clock });
    frozen = true;
    let heartbeats = 0;
    network.filter = ({ type }) => {
      if (type === MessageType.Heartbeat) heartbeats++;
      return true;
    };
    for (let n = 1; n <= 5; n++) expect(await follower.propose(`${n}`)).toBe(n);
    expect(await other.propose("x")).toBe(6);
    // One tick may have been between its timer and its turn.
    expect(heartbeats).toBeLessThanOrEqual(2);
  });

  it("is refused at once when the leader does not take it", async () => {
    const { network, machines, leader, follower, other } = await three();
    network.filter = ({ type }) => type !== MessageType.TimeoutNow;
    const transferred = outcome(leader.transferLeadership(idOf(other)));
    const error = await follower.propose("x").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "proposal-dropped" });
    expect((error as Error).message).toMatch(
      `member ${idOf(leader)}: proposal dropped: leadership is being transferred`,
    );
    expect(await transferred).toBe("proposal-dropped");
    expect(await follower.propose("y")).toBe(1);
    expect(machines.flatMap(({ words }) => words)).not.toContain("x");
  });

  it("ends as lost when its leader was replaced before it was committed", async () => {
    const { network, machines, leader, follower, other } = await three();
    network.filter = ({ type, entries }) => type !== MessageType.App || entries.length === 0;
    const { lastIndex } = leader.status();
    const lost = outcome(follower.propose("lost"));
    await until("the leader has it", () => leader.status().lastIndex > lastIndex);
    network.isolate(idOf(leader));
    network.filter = () => true;
    await leaderOf([follower, other]);
    expect(await lost).toBe("proposal-dropped");
    network.heal();
    expect(await follower.propose("kept")).toBe(1);
    await until("all agree", () => machines.every(({ words }) => words.length === 1));
  });

  it("that was called lost is not taken by the same leader in a later term", async () => {
    const { network, machines, leader, follower } = await three();
    let late: Message | null = null;
    network.filter = (message) => {
      if (message.type !== MessageType.Prop) return true;
      late = message;
      return false;
    };
    const lost = outcome(follower.propose("lost"));
    await until("it is on its way", () => late !== null);
    network.filter = () => true;
    const { term } = leader.status();
    await leader.transferLeadership(idOf(follower));
    await follower.transferLeadership(idOf(leader));
    await until("it leads again", () => leader.isLeader && leader.status().term > term);
    expect(await lost).toBe("proposal-dropped");
    network.transport(idOf(follower)).send([late!]);
    expect(await leader.propose("kept")).toBe(1);
    expect(await follower.propose("kept, too")).toBe(2);
    await until("all agree", () => machines.every(({ words }) => words.length === 2));
    expect(machines[0]!.words).toEqual(["kept", "kept, too"]);
  });

  it("goes through as a change of membership, and is refused while another is under way", async () => {
    const { network, leader, follower, other } = await three();
    const { length } = leader.members();
    network.filter = ({ type }) => type !== MessageType.AppResp;
    const { lastIndex } = leader.status();
    const first = outcome(other.addLearner(member(4)));
    await until("it is in the log", () => leader.status().lastIndex > lastIndex);
    expect(await outcome(follower.addLearner(member(5)))).toBe("proposal-dropped");
    expect(await outcome(leader.addLearner(member(6)))).toBe("proposal-dropped");
    network.filter = () => true;
    expect(await first).toBe(undefined);
    await follower.addLearner(member(5));
    expect(follower.members()).toHaveLength(length + 2);
  });
});

describe("a leader", () => {
  it("tells of a commit together with the next proposal where that comes at once", async () => {
    const network = new MemoryNetwork();
    let appends = 0;
    const groups: Group[] = [];
    for (const id of [1, 2, 3]) {
      const transport = network.transport(id);
      const send = transport.send.bind(transport);
      transport.send = (messages) => {
        if (messages.some(({ type }) => type === MessageType.App)) appends++;
        send(messages);
      };
      groups.push(await openGroup({ id, transport, stateMachine: new Words() }));
    }
    open.push(...groups);
    const leader = await leaderOf(groups);
    await leader.propose("first");
    appends = 0;
    for (let n = 0; n < 40; n++) await leader.propose(`${n}`);
    expect(appends).toBeLessThan(60);
    await until("the last is known to all without another", () =>
      groups.every((group) => group.status().applied === leader.status().applied),
    );
  });
});

describe("every call", () => {
  it("is settled when the member closes or follows a snapshot", async () => {
    const { network, leader, follower } = await three({ snapshotEntries: 30, keepEntries: 5 });
    network.filter = ({ type }) => type !== MessageType.Prop;
    const uncertain = outcome(follower.propose("x"));
    await until("it was sent", () => follower.status().leader === idOf(leader));
    await new Promise((resolve) => setImmediate(resolve));
    network.isolate(idOf(follower));
    for (let n = 0; n < 80; n++) await leader.propose(`${n}`);
    await until("the log was compacted", () => leader.status().firstIndex > 40);
    network.heal();
    expect(await uncertain).toBe("proposal-uncertain");
    network.isolate(idOf(follower));
    const calls = [
      follower.propose("y"),
      follower.readBarrier(),
      follower.addLearner(member(9)),
      follower.transferLeadership(idOf(follower)),
    ].map(outcome);
    await follower.close();
    for (const call of calls) expect(await call).toMatch(/stopped|proposal-dropped/);
  });
});
