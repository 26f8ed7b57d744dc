import { afterEach, describe, expect, it } from "vitest";
import { createMessage, EntryType, type Message, MessageType } from "../../src/index.js";
import { MemoryNetwork, type RaftGroup, type TransportHandlers } from "../../src/node/index.js";
import { leaderOf, member, openGroup, until, Words } from "./helpers.js";

type Group = RaftGroup<string, number>;
const open: Group[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((group) => group.close()));
});

const HANDLERS: TransportHandlers = {
  receive: () => {},
  unreachable: () => {},
  snapshotSent: () => {},
  openSnapshot: async function* () {},
  snapshotLength: async () => 0,
  storeSnapshot: async () => {},
};

interface Attacked {
  readonly groups: readonly Group[];
  readonly refused: () => number;
  readonly fatal: () => string[];
  send(message: Partial<Message> & { type: MessageType; to: number }): Promise<void>;
}

/** Members 1 and 2 are ours; member 3 is in the group, and sends whatever it likes. */
async function attacked(): Promise<Attacked> {
  const network = new MemoryNetwork();
  let refused = 0;
  const fatal: string[] = [];
  const metrics = {
    count: (name: string) => {
      if (name === "messages_refused") refused++;
    },
    observe: () => {},
  };
  for (const id of [1, 2]) {
    const group = await openGroup({
      id,
      members: [1, 2, 3].map((each) => member(each)),
      transport: network.transport(id),
      stateMachine: new Words(),
      metrics,
    });
    group.on("fatal", (error) => fatal.push((error as Error & { code: string }).code));
    open.push(group);
  }
  const hostile = network.transport(3);
  await hostile.start(HANDLERS);
  return {
    groups: [...open],
    refused: () => refused,
    fatal: () => fatal,
    send: async (message) => hostile.send([createMessage({ from: 3, ...message })]),
  };
}

describe("a peer that sends what no member sends", () => {
  it("is not heard, and the group goes on", async () => {
    const { groups, refused, fatal, send } = await attacked();
    const leader = await leaderOf(groups);
    const { term } = leader.status();
    const entry = { type: EntryType.Normal, data: new Uint8Array(0) };
    const entries = [
      { ...entry, term, index: 5 },
      { ...entry, term, index: 9 },
    ];
    for (const to of [1, 2]) {
      await send({ type: MessageType.App, to, term: 2 ** 53 });
      await send({ type: MessageType.App, to, term, index: 4, logTerm: term, entries });
      await send({ type: MessageType.Heartbeat, to, term: 0 });
      await send({ type: 999 as MessageType, to, term });
    }
    await until("all were refused", () => refused() === 8);
    expect(await leader.propose("still here")).toBe(1);
    expect(fatal()).toEqual([]);
  });

  it("and claims a commit that the log does not hold, stops the member", async () => {
    const { groups, fatal, send } = await attacked();
    const leader = await leaderOf(groups);
    const follower = groups.find((group) => group !== leader)!;
    const { id, term } = follower.status();
    await send({ type: MessageType.Heartbeat, to: id, term: term + 1, commit: 1_000_000 });
    await until("it stops", () => fatal().length > 0);
    expect(fatal()).toEqual(["diverged"]);
    await expect(follower.propose("x")).rejects.toMatchObject({ code: "diverged" });
  });
});
