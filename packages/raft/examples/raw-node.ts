// Three members of a group in one process, driven by hand: the core by itself, without the driver
// of `@flotilla/raft/node`. `docs/contract.md` says why each step stands where it does.
import { MemoryStorage, type Message, RawNode, Role } from "@flotilla/raft";

const voters = [1, 2, 3];
const confState = { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };

/** A new group begins with a snapshot that names its voters, the same on each of them. */
function start(id: number): { node: RawNode; storage: MemoryStorage; sum: number } {
  const storage = new MemoryStorage();
  storage.applySnapshot({ metadata: { index: 1, term: 1, confState }, data: new Uint8Array(0) });
  const random = (n: number) => Math.floor(Math.random() * n);
  const options = { electionTick: 10, heartbeatTick: 1, preVote: true, checkQuorum: true };
  return { node: new RawNode({ ...options, id, storage, random }), storage, sum: 0 };
}

const members = voters.map(start);
const network: Message[] = [];

/** Does what the core asks for, in the order that it asks for it. */
function work(member: (typeof members)[number]): void {
  const { node, storage } = member;
  while (node.hasReady()) {
    const ready = node.ready();
    if (ready.hardState !== null) storage.setHardState(ready.hardState);
    if (ready.snapshot !== null) storage.applySnapshot(ready.snapshot);
    storage.append(ready.entries);
    // With a disk below, wait for its fsync here: what is sent next says that all this is durable.
    network.push(...ready.messages);
    for (const { data } of ready.committedEntries) member.sum += data[0] ?? 0;
    node.advance();
  }
}

/** Delivers messages until nobody has anything left to do. */
function settle(): void {
  for (const member of members) work(member);
  for (let message = network.shift(); message !== undefined; message = network.shift()) {
    const member = members[message.to - 1]!;
    member.node.step(message);
    work(member);
  }
}

// Time passes; one of the three stands for election and wins.
while (!members.some(({ node }) => node.basicStatus().role === Role.Leader)) {
  for (const { node } of members) node.tick();
  settle();
}
// Any member takes proposals and sends them to the leader.
members[0]!.node.propose(Uint8Array.of(40));
members[1]!.node.propose(Uint8Array.of(2));
settle();
console.log(members.map(({ sum }) => sum)); // [ 42, 42, 42 ]
