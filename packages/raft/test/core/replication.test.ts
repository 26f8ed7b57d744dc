import { describe, expect, it } from "vitest";
import {
  ConfChangeType,
  createMessage,
  type Entry,
  EntryType,
  MemoryStorage,
  MessageType,
  ProgressState,
  RaftError,
  Role,
} from "../../src/index.js";
import { change, TestGroup, TestMember, text } from "./group.js";

function entries(...terms: number[]): Entry[] {
  return terms.map((term, i) => ({ term, index: i + 2, type: EntryType.Normal, data: text("") }));
}

function terms(group: TestGroup, id: number): number[] {
  const { storage } = group.member(id);
  return storage
    .entries(storage.firstIndex(), storage.lastIndex() + 1, Number.POSITIVE_INFINITY)
    .map(({ term }) => term);
}

describe("replication", () => {
  it("commits what a majority holds, in order, on all (paper 5.3)", () => {
    const group = new TestGroup(5);
    group.elect(1);
    group.isolate(4, 5);
    group.node(1).propose(text("a"));
    group.node(1).propose(text("b"));
    group.settle();
    expect(group.member(1).data).toEqual(["a", "b"]);
    group.isolate(3, 4, 5);
    group.node(1).propose(text("c"));
    group.settle();
    expect(group.member(1).data).toEqual(["a", "b"]);
    group.heal();
    group.ticks(1, 2);
    for (const member of group.members) expect(member.data).toEqual(["a", "b", "c"]);
  });

  it("commits an entry of an earlier term only with one of its own (paper 5.4.2, figure 8)", () => {
    const group = new TestGroup(3);
    const leader = group.member(1);
    leader.storage.append(entries(2));
    leader.storage.setHardState({ term: 2, vote: 1, commit: 1 });
    leader.restart();
    group.lose = ({ type }) => type === MessageType.App;
    group.elect(1);
    const acknowledge = (index: number) => {
      const answer = { type: MessageType.AppResp, from: 2, to: 1, term: 3, index } as const;
      leader.node.step(createMessage(answer));
      group.settle();
    };
    // A majority holds the old entry, which a newer leader might still replace.
    acknowledge(2);
    expect(leader.node.status()).toMatchObject({ role: Role.Leader, commit: 1 });
    acknowledge(3);
    expect(leader.node.status().commit).toBe(3);
  });

  it.each([
    { name: "a missing tail", follower: [2, 2] },
    { name: "a surplus tail of an old term", follower: [2, 2, 2, 2, 2, 2, 2] },
    { name: "a conflicting tail", follower: [2, 2, 3, 3, 3, 3] },
    { name: "nothing in common", follower: [3, 3, 3, 3, 3, 3, 3, 3, 3] },
    { name: "an empty log", follower: [] },
  ])("makes a follower with $name equal to the leader (paper, figure 7)", ({ follower }) => {
    const group = new TestGroup(3);
    const leader = [2, 2, 4, 4, 5, 5, 6, 6];
    for (const id of [1, 3]) group.member(id).storage.append(entries(...leader));
    group.member(2).storage.append(entries(...follower));
    for (const member of group.members) {
      member.storage.setHardState({ term: 6, vote: 0, commit: 1 });
      member.restart();
    }
    group.elect(1);
    expect(terms(group, 2)).toEqual([...leader, 7]);
    expect(group.node(2).status().commit).toBe(10);
  });

  it("finds the end of a long conflicting log in a probe for each term, not for each entry", () => {
    const group = new TestGroup(3);
    const common = new Array<number>(10).fill(2);
    const leader = [...common, ...new Array<number>(200).fill(5)];
    const follower = [
      ...common,
      ...new Array<number>(300).fill(3),
      ...new Array<number>(300).fill(4),
    ];
    for (const id of [1, 3]) group.member(id).storage.append(entries(...leader));
    group.member(2).storage.append(entries(...follower));
    for (const member of group.members) {
      member.storage.setHardState({ term: 5, vote: 0, commit: 1 });
      member.restart();
    }
    group.elect(1);
    expect(terms(group, 2)).toEqual([...leader, 6]);
    const refusals = group.delivered.filter((m) => m.type === MessageType.AppResp && m.reject);
    expect(refusals.length).toBeLessThanOrEqual(4);
  });

  it("does not truncate for an append that it holds already, however late (paper 5.3)", () => {
    const member = new TestGroup(3).member(2);
    const append = {
      type: MessageType.App,
      from: 1,
      to: 2,
      term: 1,
      index: 1,
      logTerm: 1,
    } as const;
    const sent = entries(1, 1, 1);
    member.node.step(createMessage({ ...append, entries: sent }));
    expect(member.work()).toMatchObject([{ index: 4, reject: false }]);
    member.node.step(createMessage({ ...append, entries: sent.slice(0, 1) }));
    expect(member.work()).toMatchObject([{ index: 2, reject: false }]);
    expect(member.node.status().lastIndex).toBe(4);
    // A conflict does.
    const newer = { ...append, term: 2, entries: entries(1, 2) };
    member.node.step(createMessage(newer));
    expect(member.work()).toMatchObject([{ index: 3, reject: false }]);
    expect(member.node.status().lastIndex).toBe(3);
  });

  it("sends a snapshot to a follower whose entries were compacted away", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.isolate(3);
    for (const value of ["a", "b", "c"]) group.node(1).propose(text(value));
    group.settle();
    const { storage, node } = group.member(1);
    storage.createSnapshot(5, node.status().confState, text("abc"));
    storage.compact(5);
    group.heal();
    group.ticks(1, 2);
    expect(group.node(1).status().progress.get(3)?.state).toBe(ProgressState.Replicate);
    expect(group.member(3).storage.snapshot().data).toEqual(text("abc"));
    group.node(1).propose(text("d"));
    group.settle();
    expect(group.member(3).data).toEqual(["d"]);
  });

  it("stops sending at the limit of messages in flight, and goes on when they are acknowledged", () => {
    const group = new TestGroup(3, { maxInflightMsgs: 3, maxSizePerMsg: 0 });
    group.elect(1);
    group.isolate(2, 3);
    const sent: number[] = [];
    group.lose = (m) => {
      if (m.type === MessageType.App && m.to === 2) sent.push(...m.entries.map((e) => e.index));
      return true;
    };
    for (let i = 0; i < 10; i++) group.node(1).propose(text("x"));
    group.settle();
    expect(sent).toEqual([3, 4, 5]);
    expect(group.node(1).status().progress.get(2)).toMatchObject({
      inflight: 3,
      inflightFull: true,
    });
    group.heal();
    group.ticks(1, 2);
    expect(group.member(2).data).toHaveLength(10);
  });

  it("stops sending at the limit of bytes in flight", () => {
    const group = new TestGroup(3, { maxInflightBytes: 100, maxSizePerMsg: 0 });
    group.elect(1);
    group.lose = () => true;
    for (let i = 0; i < 10; i++) group.node(1).propose(new Uint8Array(60));
    group.settle();
    // The second message crosses the limit and still goes out.
    expect(group.node(1).status().progress.get(2)).toMatchObject({
      inflight: 2,
      inflightFull: true,
    });
  });

  it("drops proposals over the quota of uncommitted data, and takes one of any size when empty", () => {
    const group = new TestGroup(3, { maxUncommittedSize: 100 });
    group.elect(1);
    group.isolate(1);
    group.node(1).propose(new Uint8Array(1000));
    expect(() => group.node(1).propose(new Uint8Array(1))).toThrow(/uncommitted/);
    group.node(1).propose(new Uint8Array(0));
    group.settle();
    group.heal();
    group.ticks(1, 3);
    expect(group.node(1).status().uncommittedSize).toBe(0);
    group.node(1).propose(new Uint8Array(60));
    expect(() => group.node(1).propose(new Uint8Array(60))).toThrow(RaftError);
  });

  it("limits what is handed out to apply at once", () => {
    const group = new TestGroup(1, { maxCommittedSizePerReady: 100 });
    group.elect(1);
    for (let i = 0; i < 5; i++) group.node(1).propose(new Uint8Array(60));
    const sizes: number[] = [];
    const { node, storage } = group.member(1);
    while (node.hasReady()) {
      const ready = node.ready();
      storage.append(ready.entries);
      if (ready.committedEntries.length > 0) sizes.push(ready.committedEntries.length);
      node.advance();
    }
    expect(sizes).toEqual([1, 1, 1, 1, 1]);
  });

  it("forwards a follower's proposals, unless told not to", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.node(2).propose(text("x"));
    group.settle();
    expect(group.member(3).data).toEqual(["x"]);
    const strict = new TestGroup(3, { disableProposalForwarding: true });
    strict.elect(1);
    expect(() => strict.node(2).propose(text("x"))).toThrow(/member 1 leads/);
  });

  it("refuses local messages and answers of strangers from the network", () => {
    const group = new TestGroup(3);
    const message = group.member(1).node;
    const step = (type: MessageType, from: number) => () =>
      message.step({ ...group.delivered[0]!, type, from, to: 1 });
    group.node(1).campaign();
    group.settle();
    expect(step(MessageType.Hup, 2)).toThrow(/local/);
    expect(step(MessageType.AppResp, 9)).toThrow(/no member/);
  });
});

describe("membership", () => {
  it("catches up a new member and counts it when the change is applied", () => {
    const group = new TestGroup(1);
    group.elect(1);
    group.members.push(new TestMember(2, new MemoryStorage(), {}));
    group.node(1).proposeConfChange(change(ConfChangeType.AddNode, 2));
    group.settle();
    // The first snapshot does not name the new member, so that it cannot start from it.
    expect(group.node(2).status().commit).toBe(0);
    const { storage, node } = group.member(1);
    storage.createSnapshot(3, node.status().confState, text(""));
    node.reportSnapshot(2, true);
    group.ticks(1, 3);
    expect(group.node(2).status()).toMatchObject({ commit: 3, confState: { voters: [1, 2] } });
    group.lose = () => true;
    group.node(1).propose(text("x"));
    group.settle();
    expect(group.node(1).status().commit).toBe(3);
  });

  it("allows one change at a time: a second becomes an empty entry", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.node(1).proposeConfChange(change(ConfChangeType.RemoveNode, 3));
    group.node(1).proposeConfChange(change(ConfChangeType.RemoveNode, 2));
    group.settle();
    expect(group.node(1).status().confState.voters).toEqual([1, 2]);
    expect(group.member(1).applied.at(-1)).toMatchObject({
      type: EntryType.Normal,
      data: text(""),
    });
  });

  it("takes no change before the tail of earlier terms is applied", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.lose = ({ type }) => type === MessageType.AppResp;
    group.node(1).proposeConfChange(change(ConfChangeType.RemoveNode, 3));
    group.settle();
    group.isolate(1);
    group.lose = (m) => m.from === 1 || m.to === 1 || m.type === MessageType.AppResp;
    group.elect(2);
    group.node(2).proposeConfChange(change(ConfChangeType.RemoveNode, 2));
    group.lose = (m) => m.from === 1 || m.to === 1;
    group.ticks(2, 3);
    expect(group.node(2).status().confState.voters).toEqual([1, 2]);
  });

  it("goes through a joint configuration and leaves it by itself", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.node(1).proposeConfChange(change(ConfChangeType.RemoveNode, 2, 3));
    const seen = new Set<string>();
    for (let i = 0; i < 20; i++) {
      for (const message of group.members.flatMap((member) => member.work()))
        group.deliver(message);
      const { voters, votersOutgoing } = group.node(1).status().confState;
      seen.add(`${voters}|${votersOutgoing}`);
    }
    expect([...seen]).toEqual(["1,2,3|", "1|1,2,3", "1|"]);
  });

  it("ignores a change that a snapshot which came in meanwhile holds already", () => {
    const group = new TestGroup(3);
    group.elect(1);
    const { node } = group.member(3);
    const confState = { ...node.status().confState, voters: [1, 3] };
    const metadata = { index: 9, term: 1, confState };
    node.step({
      ...group.delivered[0]!,
      type: MessageType.Snap,
      from: 1,
      to: 3,
      term: 1,
      snapshot: { metadata, data: text("") },
    });
    node.applyConfChange(change(ConfChangeType.RemoveNode, 2), 3);
    expect(node.applyConfChange(change(ConfChangeType.AddNode, 2), 5).voters).toEqual([1, 3]);
  });
});
