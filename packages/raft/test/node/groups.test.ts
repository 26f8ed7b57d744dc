import { afterEach, describe, expect, it } from "vitest";
import { createMessage, MessageType } from "../../src/index.js";
import {
  GrpcTransport,
  type GrpcTransportOptions,
  type Member,
  MemoryNetwork,
  type RaftGroup,
  type RaftMetrics,
  type Transport,
  type TransportHandlers,
} from "../../src/node/index.js";
import { leaderOf, member, openGroup, until, Words } from "./helpers.js";

type Group = RaftGroup<string, number>;

const GROUPS = 50;
const cleanup: AsyncDisposable[] = [];

afterEach(async () => {
  const open = cleanup.splice(0).reverse();
  await Promise.all(open.map((one) => one[Symbol.asyncDispose]()));
});

async function transports(more: Partial<GrpcTransportOptions> = {}): Promise<GrpcTransport[]> {
  const made: GrpcTransport[] = [];
  for (const id of [1, 2, 3]) {
    const listen = [{ host: "127.0.0.1", port: 0 }];
    const transport = new GrpcTransport({ clusterId: "test", id, listen, ...more });
    cleanup.push(transport);
    await transport.bind();
    made.push(transport);
  }
  return made;
}

function membersOf(made: readonly GrpcTransport[]): Member[] {
  return made.map((one, at) => member(at + 1, `127.0.0.1:${one.addresses[0]!.port}`));
}

/** Groups by number, in each the members 1, 2 and 3. */
async function openGroups(
  transport: (id: number, group: number) => Transport,
  members: readonly Member[],
): Promise<Group[][]> {
  return await Promise.all(
    Array.from({ length: GROUPS }, async (_, at) => {
      const group: Group[] = [];
      for (const { id } of members) {
        const options = { id, members, transport: transport(id, at + 1), tickMs: 50 };
        group.push(await openGroup({ ...options, stateMachine: new Words() }));
      }
      cleanup.push(...group);
      return group;
    }),
  );
}

const NO_HANDLERS: TransportHandlers = {
  receive: () => {},
  unreachable: () => {},
  snapshotSent: () => {},
  openSnapshot: async function* () {},
  storeSnapshot: async () => {},
};

describe("groups of a process", () => {
  it("share connections, and outlive one of them and a peer of all", {
    timeout: 60_000,
  }, async () => {
    let frames = 0;
    const metrics: RaftMetrics = {
      count: (name) => {
        if (name === "peer_sent_bytes") frames++;
      },
      observe: () => {},
    };
    const sockets = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
    const before = sockets();
    const made = await transports({ metrics });
    const groups = await openGroups((id, group) => made[id - 1]!.group(group), membersOf(made));
    const leaders = await Promise.all(groups.map((group) => leaderOf(group)));
    const leading = leaders.map((leader) => leader.status().id);
    expect(new Set(leading)).toEqual(new Set([1, 2, 3]));
    // Control and appends from each of three to each other, seen from both ends.
    expect(sockets() - before).toBeLessThanOrEqual(24);

    const results = await Promise.all(groups.map((group, at) => group[at % 3]!.propose(`${at}`)));
    expect(results).toEqual(groups.map(() => 1));

    // Idle: one frame a tick of a process to a peer, and one back, however many the groups.
    const { term } = leaders[0]!.status();
    frames = 0;
    let ticks = 0;
    const counted = new MemoryNetwork().transport(9);
    const clock = await openGroup({
      id: 9,
      members: [member(9)],
      transport: counted,
      stateMachine: new Words(),
      tickMs: 50,
      metrics: {
        count: () => {},
        observe: (name) => void (name === "tick_late_seconds" && ticks++),
      },
    });
    cleanup.push(clock);
    await until("twenty ticks went by", () => ticks >= 20);
    expect(frames / ticks).toBeLessThan(GROUPS / 2);
    expect(leaders[0]!.status().term).toBe(term);

    await Promise.all(groups[0]!.map((group) => group.close()));
    expect(await groups[1]![0]!.propose("on")).toBe(2);

    await made[2]![Symbol.asyncDispose]();
    const rest = groups.slice(1);
    await Promise.all(rest.map((group) => leaderOf(group.slice(0, 2))));
    const after = await Promise.all(
      rest.map(async (group) => {
        const result = await group[0]!.propose("after");
        await group[1]!.readBarrier();
        return result;
      }),
    );
    expect(after).toEqual(rest.map((_, at) => (at === 0 ? 3 : 2)));
  });

  it("are told apart in memory as well", async () => {
    const network = new MemoryNetwork();
    const members = [1, 2, 3].map((id) => member(id));
    const groups = await openGroups((id, group) => network.transport(id, group), members);
    await Promise.all(groups.map((group) => leaderOf(group)));
    network.filter = (_, group) => group !== 2;
    const results = await Promise.all(
      groups.filter((_, at) => at !== 1).map((group) => group[0]!.propose("x")),
    );
    expect(new Set(results)).toEqual(new Set([1]));
    expect(() => network.transport(1, 0.5)).toThrow("a group is a safe integer");
  });
});

describe("a transport of several groups", () => {
  it("drops what is for a group that is not open there, and tells the sender", async () => {
    const [one, two] = (await transports()) as [GrpcTransport, GrpcTransport];
    const lost: string[] = [];
    const received: number[] = [];
    const peers = [{ id: 2, address: `127.0.0.1:${two.addresses[0]!.port}` }];
    for (const group of [7, 8]) {
      const port = one.group(group);
      port.setPeers(peers);
      await port.start({ ...NO_HANDLERS, unreachable: (id) => lost.push(`${group}: ${id}`) });
      const send = (): void =>
        port.send([createMessage({ type: MessageType.Heartbeat, from: 1, to: 2, term: group })]);
      if (group === 7) {
        await two.group(7).start({
          ...NO_HANDLERS,
          receive: (messages) => received.push(...messages.map(({ term }) => term)),
        });
        send();
        await until("it arrived", () => received.length === 1);
        lost.length = 0;
      } else {
        send();
        await until("it is missed", () => lost.length > 0);
      }
    }
    expect(lost).toEqual(["8: 2"]);
    expect(received).toEqual([7]);
  });

  it("checks the numbers of groups, and opens each once", async () => {
    const [one] = (await transports()) as [GrpcTransport];
    for (const wrong of [-1, 1.5, Number.NaN, 2 ** 53]) {
      expect(() => one.group(wrong)).toThrow("a group is a safe integer from 0 on");
    }
    const port = one.group(7);
    await port.start(NO_HANDLERS);
    await expect(one.group(7).start(NO_HANDLERS)).rejects.toThrow("group 7 is open already");
    await port[Symbol.asyncDispose]();
    await one.group(7).start(NO_HANDLERS);
  });

  it("dials a peer where the group says that has the later news", async () => {
    const [one, two, three] = (await transports()) as [GrpcTransport, GrpcTransport, GrpcTransport];
    const addressOf = (transport: GrpcTransport): string =>
      `127.0.0.1:${transport.addresses[0]!.port}`;
    const moved = new GrpcTransport({
      clusterId: "test",
      id: 2,
      listen: [{ host: "127.0.0.1", port: 0 }],
    });
    cleanup.push(moved);
    await two.start(NO_HANDLERS);
    await three.start(NO_HANDLERS);
    const received: number[] = [];
    for (const group of [7, 8]) {
      const receive: TransportHandlers["receive"] = () => received.push(group);
      await moved.group(group).start({ ...NO_HANDLERS, receive });
    }
    const [seven, eight] = [one.group(7), one.group(8)];
    for (const port of [seven, eight]) {
      port.setPeers([{ id: 2, address: addressOf(two) }]);
      await port.start(NO_HANDLERS);
    }
    seven.setPeers([{ id: 2, address: addressOf(moved) }]);
    eight.setPeers([
      { id: 2, address: addressOf(two) },
      { id: 3, address: addressOf(three) },
    ]);
    for (const port of [seven, eight]) {
      port.send([createMessage({ type: MessageType.Heartbeat, from: 1, to: 2, term: 1 })]);
    }
    await until("both arrived there", () => received.length === 2);
    expect(received.sort()).toEqual([7, 8]);
  });
});
