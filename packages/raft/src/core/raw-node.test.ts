import { describe, expect, it } from "vitest";
import { MemoryStorage } from "./memory-storage.js";
import { RawNode } from "./raw-node.js";
import { type Entry, type Message, Role } from "./types.js";

function member(id: number, voters: number[]): { node: RawNode; storage: MemoryStorage } {
  const storage = new MemoryStorage();
  const confState = {
    voters,
    learners: [],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  storage.applySnapshot({ metadata: { index: 1, term: 1, confState }, data: new Uint8Array(0) });
  const node = new RawNode({
    id,
    electionTick: 10,
    heartbeatTick: 1,
    storage,
    random: () => 0,
  });
  return { node, storage };
}

describe("RawNode", () => {
  it("elects a leader and replicates a proposal", () => {
    const members = [1, 2, 3].map((id) => member(id, [1, 2, 3]));
    const applied: Entry[][] = [[], [], []];
    const run = () => {
      let queue: Message[] = [];
      do {
        for (const message of queue.splice(0)) members[message.to - 1]!.node.step(message);
        members.forEach(({ node, storage }, i) => {
          while (node.hasReady()) {
            const ready = node.ready();
            if (ready.hardState) storage.setHardState(ready.hardState);
            storage.append(ready.entries);
            queue = queue.concat(ready.messages);
            applied[i]!.push(...ready.committedEntries);
            node.advance();
          }
        });
      } while (queue.length > 0);
    };
    members[0]!.node.campaign();
    run();
    expect(members[0]!.node.status().role).toBe(Role.Leader);
    members[1]!.node.propose(Uint8Array.of(7));
    run();
    expect(members.map(({ node }) => node.status().commit)).toEqual([3, 3, 3]);
    for (const entries of applied) expect(entries.at(-1)?.data).toEqual(Uint8Array.of(7));
  });
});
