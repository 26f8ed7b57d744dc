import { existsSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import type { RaftError } from "../../src/index.js";
import { GrpcTransport, type RaftGroup } from "../../src/node/index.js";
import { leaderOf, member, openGroup, temporaryFolder, until, Words } from "./helpers.js";

type Group = RaftGroup<string, number>;
const cleanup: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of cleanup.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

/** Three members on disk and loopback; `restart` closes one without a flush and opens it again. */
async function cluster(settings: { snapshotEntries?: number; keepEntries?: number } = {}) {
  const folder = await temporaryFolder();
  cleanup.push(folder);
  const ports: number[] = [];
  const first: GrpcTransport[] = [];
  for (const id of [1, 2, 3]) {
    const transport = new GrpcTransport({
      clusterId: "test",
      id,
      listen: [{ host: "127.0.0.1", port: 0 }],
    });
    await transport.bind();
    ports.push(transport.addresses[0]!.port);
    first.push(transport);
  }
  const members = ports.map((port, at) => member(at + 1, `http://127.0.0.1:${port}`));
  const machines: Words[] = [];
  const groups: Group[] = [];
  const start = async (id: number, transport: GrpcTransport): Promise<Group> => {
    const stateMachine = new Words();
    const storage = { directory: `${folder.path}/${id}` };
    const options = { id, transport, stateMachine, members, storage, ...settings };
    const group = await openGroup(options);
    machines[id - 1] = stateMachine;
    groups[id - 1] = group;
    cleanup.push(group);
    return group;
  };
  await Promise.all(first.map((transport, at) => start(at + 1, transport)));
  const restart = async (id: number): Promise<Group> => {
    const listen = [{ host: "127.0.0.1", port: ports[id - 1]! }];
    return await start(id, new GrpcTransport({ clusterId: "test", id, listen }));
  };
  return { groups, machines, members, restart, folder };
}

describe("three members on disk over gRPC", () => {
  it("replicate, elect anew when the leader dies, and keep all over restarts", async () => {
    const { groups, machines, restart } = await cluster();
    const leader = await leaderOf(groups);
    await Promise.all(Array.from({ length: 50 }, (_, n) => groups[n % 3]!.propose(`a${n}`)));
    await leader.close();
    const rest = groups.filter((group) => group !== leader);
    await leaderOf(rest);
    expect(await rest[0]!.propose("b")).toBe(51);
    const back = await restart(leader.status().id);
    await until("it knows the leader", () => back.status().leader !== 0);
    await back.readBarrier();
    expect(machines[back.status().id - 1]!.words).toHaveLength(51);
    await Promise.all(groups.map((group) => group.close()));
    for (const id of [1, 2, 3]) await restart(id);
    await leaderOf(groups);
    await groups[0]!.readBarrier();
    expect(machines[0]!.words).toHaveLength(51);
    expect(machines[0]!.words.at(-1)).toBe("b");
  });

  it("bring a member that fell behind up to date by snapshot", async () => {
    const { groups, machines, restart } = await cluster({ snapshotEntries: 100, keepEntries: 10 });
    const leader = await leaderOf(groups);
    const slow = groups.find((group) => group !== leader)!;
    const { id } = slow.status();
    await slow.close();
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        Array.from({ length: 100 }, (_, n) => leader.propose(`${round}-${n}-${"x".repeat(100)}`)),
      );
    }
    await until("a snapshot was taken", () => leader.status().firstIndex > 200);
    const back = await restart(id);
    await until("it caught up", () => back.status().applied >= leader.status().applied);
    expect(machines[id - 1]!.restores).toBe(1);
    await back.readBarrier();
    expect(machines[id - 1]!.words).toEqual(machines[leader.status().id - 1]!.words);
    await back.close();
    const again = await restart(id);
    await until("it follows", () => again.status().leader !== 0);
    await again.readBarrier();
    expect(machines[id - 1]!.words).toHaveLength(500);
  });

  it("take in members, promote and remove them", async () => {
    const { groups, members, folder } = await cluster();
    const leader = await leaderOf(groups);
    await leader.propose("before");
    const transport = new GrpcTransport({
      clusterId: "test",
      id: 4,
      listen: [{ host: "127.0.0.1", port: 0 }],
    });
    await transport.bind();
    const address = `127.0.0.1:${transport.addresses[0]!.port}`;
    const stateMachine = new Words();
    const joined = await openGroup({
      id: 4,
      transport,
      stateMachine,
      members,
      join: true,
      storage: { directory: `${folder.path}/4` },
    });
    cleanup.push(joined);
    await leader.addLearner({ id: 4, address, context: new Uint8Array([4]) });
    await until("it has the log", () => stateMachine.words.length === 1);
    expect(leader.members().find(({ id }) => id === 4)?.learner).toBe(true);
    await leader.promote(4);
    expect(leader.members().map(({ id, learner }) => [id, learner])).toEqual([
      [1, false],
      [2, false],
      [3, false],
      [4, false],
    ]);
    const gone = groups.find((group) => group !== leader)!.status().id;
    await leader.removeMember(gone);
    await until("all know", () => joined.members().length === 3);
    expect(await joined.propose("after")).toBe(2);
    expect(joined.members().find(({ id }) => id === 4)?.address).toBe(address);
  });

  it("refuse a peer of another cluster, on both sides", async () => {
    const refusals: RaftError[] = [];
    const onRefused = (error: RaftError): void => void refusals.push(error);
    const listen = [{ host: "127.0.0.1", port: 0 }];
    const ours = new GrpcTransport({ clusterId: "ours", id: 1, listen, onRefused });
    const theirs = new GrpcTransport({ clusterId: "theirs", id: 2, listen, onRefused });
    cleanup.push(ours, theirs);
    await theirs.bind();
    const handlers = {
      receive: () => expect.unreachable("a message of another cluster"),
      unreachable: () => {},
      snapshotSent: () => {},
      openSnapshot: () => expect.unreachable(),
      storeSnapshot: () => expect.unreachable(),
    };
    await theirs.start(handlers);
    await ours.start(handlers);
    ours.setPeers([{ id: 2, address: `127.0.0.1:${theirs.addresses[0]!.port}` }]);
    await until("both noticed", () => refusals.length >= 2);
    expect(refusals.every(({ code }) => code === "wrong-cluster")).toBe(true);
    expect(refusals[0]!.message).toContain('cluster "theirs"');
    expect(refusals[0]!.message).toContain('cluster "ours"');
  });

  it("name the address that is in use", async () => {
    const first = new GrpcTransport({
      clusterId: "test",
      id: 1,
      listen: [{ host: "127.0.0.1", port: 0 }],
    });
    cleanup.push(first);
    await first.bind();
    const second = new GrpcTransport({ clusterId: "test", id: 2, listen: first.addresses });
    cleanup.push(second);
    await expect(second.bind()).rejects.toThrow(
      `127.0.0.1:${first.addresses[0]!.port}: the address is in use`,
    );
  });

  it("keep a second one out of an open folder, and off a taken address before any folder", async () => {
    await using folder = await temporaryFolder();
    const listen = [{ host: "127.0.0.1", port: 0 }];
    const transport = (): GrpcTransport => new GrpcTransport({ clusterId: "test", id: 1, listen });
    const options = { id: 1, members: [member(1)], storage: { directory: `${folder.path}/1` } };
    const first = transport();
    const group = await openGroup({ ...options, transport: first, stateMachine: new Words() });
    cleanup.push(group);
    await expect(
      openGroup({ ...options, transport: transport(), stateMachine: new Words() }),
    ).rejects.toThrow("another process has it open");
    const taken = new GrpcTransport({ clusterId: "test", id: 1, listen: first.addresses });
    const elsewhere = { directory: `${folder.path}/2` };
    await expect(
      openGroup({ ...options, storage: elsewhere, transport: taken, stateMachine: new Words() }),
    ).rejects.toThrow("the address is in use");
    expect(existsSync(elsewhere.directory)).toBe(false);
    await until("it leads", () => group.isLeader);
    expect(await group.propose("a")).toBe(1);
    await group.close();
    const again = await openGroup({
      ...options,
      transport: transport(),
      stateMachine: new Words(),
    });
    cleanup.push(again);
  });
});
