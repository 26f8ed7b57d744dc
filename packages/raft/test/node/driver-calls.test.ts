import { afterEach, describe, expect, it } from "vitest";
import { MessageType } from "../../src/index.js";
import {
  type MemberChange,
  MemoryNetwork,
  type RaftGroup,
  type SnapshotEvent,
} from "../../src/node/index.js";
import { leaderOf, member, type Options, openGroup, until, Words } from "./helpers.js";

type Group = RaftGroup<string, number>;
const open: Group[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((group) => group.close()));
});

interface Cluster {
  readonly network: MemoryNetwork;
  readonly groups: Group[];
  readonly start: (id: number, more?: Partial<Options>) => Promise<Group>;
}

async function cluster(count: number, more: Partial<Options> = {}): Promise<Cluster> {
  const network = new MemoryNetwork();
  const members = Array.from({ length: count }, (_, at) => member(at + 1));
  const start = async (id: number, own: Partial<Options> = {}): Promise<Group> => {
    const options = { id, members, transport: network.transport(id), stateMachine: new Words() };
    const group = await openGroup({ ...options, ...more, ...own });
    open.push(group);
    return group;
  };
  const groups: Group[] = [];
  for (const { id } of members) groups.push(await start(id));
  return { network, groups, start };
}

const idOf = (group: Group): number => group.status().id;
const plain = (id: number): Omit<ReturnType<typeof member>, "learner"> => member(id);

describe("several changes of membership at once", () => {
  it("take effect together, by way of both configurations", async () => {
    const { groups, start } = await cluster(3);
    const leader = await leaderOf(groups);
    const gone = groups.filter((group) => group !== leader).map(idOf);
    const joined = await Promise.all([4, 5].map((id) => start(id, { join: true })));
    const seen: string[] = [];
    leader.on("members", () => {
      const { voters, votersOutgoing } = leader.status().confState;
      seen.push(`${[...voters].sort()} / ${[...votersOutgoing].sort()}`);
    });
    await leader.changeMembers([
      { type: "add", member: plain(4) },
      { type: "add", member: plain(5) },
      ...gone.map((id): MemberChange => ({ type: "remove", id })),
    ]);
    const after = [idOf(leader), 4, 5];
    expect(seen).toEqual([`${after} / 1,2,3`, `${after} / `]);
    expect(leader.members().map(({ id }) => id)).toEqual(after);
    expect(await joined[0]!.propose("x")).toBe(1);
    await leader.close();
    expect(await (await leaderOf(joined)).propose("y")).toBe(2);
  });

  it("need a majority of the old voters as long as they count", async () => {
    const { network, groups, start } = await cluster(3);
    const leader = await leaderOf(groups);
    await Promise.all([4, 5].map((id) => start(id, { join: true })));
    for (const group of groups) if (group !== leader) network.isolate(idOf(group));
    const changed = leader
      .changeMembers([
        { type: "add", member: plain(4) },
        { type: "add", member: plain(5) },
      ])
      .then(() => true);
    let done = false;
    void changed.then(() => {
      done = true;
    });
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    network.heal();
    expect(await changed.catch(() => true)).toBe(true);
  });

  it("swap a voter and a learner", async () => {
    const { groups, start } = await cluster(3);
    const leader = await leaderOf(groups);
    await start(4, { join: true });
    await leader.addLearner(plain(4));
    const other = idOf(groups.find((group) => group !== leader)!);
    await leader.changeMembers([
      { type: "promote", id: 4 },
      { type: "demote", id: other },
    ]);
    const learners = leader.members().filter(({ learner }) => learner);
    expect(learners.map(({ id }) => id)).toEqual([other]);
    await leader.promote(other);
    await leader.demote(4);
    expect(leader.status().confState).toMatchObject({ learners: [4], votersOutgoing: [] });
  });

  it("are refused where they make no sense", async () => {
    const { groups } = await cluster(3);
    const leader = await leaderOf(groups);
    const twice: MemberChange[] = [
      { type: "remove", id: 1 },
      { type: "demote", id: 1 },
    ];
    await expect(leader.changeMembers(twice)).rejects.toMatchObject({ code: "invalid-config" });
    await expect(leader.demote(9)).rejects.toMatchObject({ code: "invalid-config" });
    await leader.changeMembers([]);
    expect(leader.members()).toHaveLength(3);
  });
});

describe("elections on demand", () => {
  it("are won once the others forget a leader that is gone", async () => {
    const { network, groups } = await cluster(3, { tickMs: 100, electionTicks: 50 });
    groups[0]!.campaign();
    await until("the first leads", () => groups[0]!.isLeader);
    expect(await groups[1]!.waitForLeader()).toBe(1);
    network.isolate(1);
    const begun = performance.now();
    for (const group of groups.slice(1)) group.forgetLeader();
    const known = groups[2]!.waitForLeader();
    groups[1]!.campaign();
    expect(await known).toBe(2);
    // An election timeout is 5 s and more.
    expect(performance.now() - begun).toBeLessThan(4_000);
    expect(await groups[2]!.propose("x")).toBe(1);
  });

  it("are not won by a member that most have reason to pass over", async () => {
    const network = new MemoryNetwork();
    const groups: Group[] = [];
    for (const id of [1, 2, 3]) {
      const transport = network.transport(id);
      const options = { id, transport, stateMachine: new Words(), priority: id === 1 ? -1 : 0 };
      groups.push(await openGroup(options));
    }
    open.push(...groups);
    groups[0]!.campaign();
    const leader = await leaderOf(groups);
    expect(idOf(leader)).not.toBe(1);
    groups[0]!.setPriority(1);
    expect(() => groups[0]!.setPriority(0.5)).toThrow("priority");
    network.isolate(idOf(leader));
    // Between the two that are left, the other one has reason now.
    await until("the first leads", () => groups[0]!.isLeader);
  });

  it("are waited for, until the caller has enough", async () => {
    const { network, groups } = await cluster(3);
    network.filter = () => false;
    const controller = new AbortController();
    const waiting = groups[0]!.waitForLeader({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    const ending = groups[1]!.waitForLeader();
    const closed = groups[1]!.close();
    await expect(ending).rejects.toMatchObject({ code: "stopped" });
    await closed;
  });
});

describe("the leader", () => {
  it("gives way to the member that is furthest", async () => {
    const { network, groups } = await cluster(3);
    const leader = await leaderOf(groups);
    const [slow, other] = groups.filter((group) => group !== leader) as [Group, Group];
    network.filter = ({ type, to }) => type !== MessageType.App || to !== idOf(slow);
    for (let n = 0; n < 5; n++) await leader.propose(`${n}`);
    await leader.transferLeadership();
    expect(other.isLeader).toBe(true);
    await expect(slow.transferLeadership()).rejects.toMatchObject({ code: "invalid-config" });
  });

  it("tells when a learner has all that it has", async () => {
    const { network, groups, start } = await cluster(3);
    const leader = await leaderOf(groups);
    network.isolate(4);
    await start(4, { join: true });
    await leader.addLearner(plain(4));
    let done = false;
    const caughtUp = leader.waitForMember(4).then(() => {
      done = true;
    });
    for (let n = 0; n < 5; n++) await leader.propose(`${n}`);
    expect(done).toBe(false);
    network.heal();
    await caughtUp;
    await leader.promote(4);
    await expect(leader.waitForMember(9)).rejects.toMatchObject({ code: "invalid-config" });
    const follower = groups.find((group) => group !== leader)!;
    await expect(follower.waitForMember(4)).rejects.toMatchObject({ code: "unavailable" });
  });
});

describe("a snapshot on demand", () => {
  it("is durable and told of, and none is taken twice", async () => {
    const { groups } = await cluster(1, { keepEntries: 1 });
    const [group] = groups as [Group];
    await group.waitForLeader();
    const events: SnapshotEvent[] = [];
    group.on("snapshot", (event) => events.push(event));
    for (let n = 0; n < 10; n++) await group.propose(`${n}`);
    const { applied, term } = group.status();
    expect(await group.takeSnapshot()).toBe(applied);
    expect(events).toEqual([{ index: applied, term, source: "taken" }]);
    expect(group.status()).toMatchObject({ snapshotIndex: applied, firstIndex: applied });
    expect(await group.takeSnapshot()).toBe(applied);
    expect(events).toHaveLength(1);
  });

  it("tells why it was not taken", async () => {
    const machine = new Words();
    machine.snapshot = async function* () {
      yield await Promise.reject(new Error("no snapshot today"));
    };
    const { groups } = await cluster(1, { stateMachine: machine, requestTimeoutMs: 300 });
    const [group] = groups as [Group];
    await group.waitForLeader();
    await group.propose("x");
    const error = await group.takeSnapshot().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unavailable", cause: { message: "no snapshot today" } });
    expect(await group.propose("y")).toBe(2);
  });

  it("that comes from the leader is told of as well", async () => {
    const { network, groups } = await cluster(3, { keepEntries: 1 });
    const leader = await leaderOf(groups);
    const slow = groups.find((group) => group !== leader)!;
    network.isolate(idOf(slow));
    for (let n = 0; n < 10; n++) await leader.propose(`${n}`);
    await leader.takeSnapshot();
    const received = new Promise<SnapshotEvent>((resolve) => {
      slow.on("snapshot", (event) => event.source === "received" && resolve(event));
    });
    network.heal();
    expect((await received).index).toBe(leader.status().snapshotIndex);
  });
});

describe("a proposal on a follower whose leader died without a word", () => {
  it("is known to be lost once the next leader's term begins", async () => {
    const { network, groups } = await cluster(3, { requestTimeoutMs: 60_000 });
    const leader = await leaderOf(groups);
    const [follower, other] = groups.filter((group) => group !== leader) as [Group, Group];
    // Nothing is refused, nothing is reported: as on a machine that lost its power.
    let forwarded = 0;
    const dead = idOf(leader);
    network.filter = ({ type, to, from }) => {
      if (type === MessageType.Prop && to === dead) forwarded++;
      return to !== dead && from !== dead;
    };
    const codes = Array.from({ length: 20 }, (_, n) =>
      follower.propose(`${n}`).then(
        () => "result",
        (error: { code: string }) => error.code,
      ),
    );
    await until("they went out", () => forwarded > 0);
    await leaderOf([follower, other]);
    expect(new Set(await Promise.all(codes))).toEqual(new Set(["proposal-dropped"]));
    expect(await follower.propose("next")).toBe(1);
  });
});

describe("a snapshot that becomes due while another is being written", () => {
  it("is taken afterwards, without waiting for more to apply", async () => {
    const machine = new Words();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let taken = 0;
    const snapshot = machine.snapshot.bind(machine);
    machine.snapshot = async function* () {
      if (++taken === 1) await held;
      yield* snapshot();
    };
    const { groups } = await cluster(1, { stateMachine: machine, snapshotEntries: 10 });
    const [group] = groups as [Group];
    await group.waitForLeader();
    for (let n = 0; n < 30; n++) await group.propose(`${n}`);
    const { applied } = group.status();
    expect(taken).toBe(1);
    release();
    await until("the second is there", () => group.status().snapshotIndex === applied);
  });
});
