import { describe, expect, it } from "vitest";
import {
  createMessage,
  type Entry,
  type HardState,
  type Message,
  MessageType,
  Role,
} from "../../src/index.js";
import { TestGroup, type TestMember, text } from "./group.js";

const entry = (index: number, term: number): Entry => ({ term, index, type: 0, data: text("") });

/** A follower in term 2 whose log is 1, 1, 2 (the first entry is the snapshot's). */
function follower(hardState: Partial<HardState> = {}): TestMember {
  const member = new TestGroup(3).member(1);
  member.storage.append([entry(2, 1), entry(3, 2)]);
  member.storage.setHardState({ term: 2, vote: 0, commit: 1, ...hardState });
  member.restart();
  return member;
}

describe("an append (paper, figure 2)", () => {
  const append = { type: MessageType.App, from: 2, to: 1, term: 2 } as const;

  it.each([
    { name: "after another term", index: 3, logTerm: 1, terms: [2], commit: 3, reject: true },
    { name: "after what is not there", index: 4, logTerm: 2, terms: [2], commit: 3, reject: true },
    { name: "nothing, and a commit", index: 3, logTerm: 2, terms: [], commit: 3, last: 3, at: 3 },
    { name: "entries at the end", index: 3, logTerm: 2, terms: [2, 2], commit: 4, last: 5, at: 4 },
    { name: "a conflict", index: 1, logTerm: 1, terms: [2], commit: 1, last: 2, at: 1 },
    { name: "what is there", index: 1, logTerm: 1, terms: [1], commit: 3, last: 3, at: 2 },
    { name: "a commit beyond it", index: 2, logTerm: 1, terms: [2], commit: 9, last: 3, at: 3 },
    {
      name: "nothing, and less of a commit",
      index: 2,
      logTerm: 1,
      terms: [],
      commit: 9,
      last: 3,
      at: 2,
    },
  ])("of $name", ({ index, logTerm, terms, commit, reject = false, last = 3, at = 1 }) => {
    const { node } = follower();
    const entries = terms.map((term, i) => entry(index + i + 1, term));
    node.step(createMessage({ ...append, index, logTerm, entries, commit }));
    expect(node.status()).toMatchObject({ lastIndex: last, commit: at });
    const [answer] = node.ready().messages;
    expect(answer).toMatchObject({ type: MessageType.AppResp, reject });
    if (!reject) expect(answer?.index).toBe(index + terms.length);
  });

  it("is refused with a hint at where the logs may match", () => {
    const { node } = follower();
    node.step(createMessage({ ...append, index: 9, logTerm: 1 }));
    // Entry 3 is of term 2, which the leader's log had not at 9: the last of term 1 is a better guess.
    expect(node.ready().messages).toMatchObject([
      { index: 9, reject: true, rejectHint: 2, logTerm: 1 },
    ]);
  });

  it("of what is committed already is answered with the commit", () => {
    const { node } = follower({ commit: 3 });
    node.step(createMessage({ ...append, index: 1, logTerm: 1, entries: [entry(2, 2)] }));
    expect(node.ready().messages).toMatchObject([{ index: 3, reject: false }]);
    expect(node.status().lastIndex).toBe(3);
  });

  it.each([
    { sent: 3, commit: 3 },
    { sent: 1, commit: 2 },
  ])("a heartbeat moves the commit up, not down ($sent)", ({ sent, commit }) => {
    const { node } = follower({ commit: 2 });
    const heartbeat = { type: MessageType.Heartbeat, from: 2, to: 1, term: 2 } as const;
    node.step(createMessage({ ...heartbeat, commit: sent, context: text("t") }));
    expect(node.status().commit).toBe(commit);
    expect(node.ready().messages).toMatchObject([
      { type: MessageType.HeartbeatResp, context: text("t") },
    ]);
  });
});

describe("the network", () => {
  it("may bring messages of a deposed leader late", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.elect(2);
    group.elect(1);
    const late = { type: MessageType.App, from: 2, to: 1, term: 2, index: 3, logTerm: 2 } as const;
    group.node(1).step(createMessage({ ...late, entries: [entry(4, 2)] }));
    group.propose(1, "x");
    for (const member of group.members) {
      expect(member.applied.map(({ term }) => term)).toEqual([1, 2, 3, 3]);
    }
  });

  it("may double and reorder appends and acknowledgements", () => {
    const group = new TestGroup(3);
    group.elect(1);
    const held: Message[] = [];
    group.lose = (m) => {
      if (m.type === MessageType.App || m.type === MessageType.AppResp) held.push(m);
      return m.type === MessageType.App || m.type === MessageType.AppResp;
    };
    group.propose(1, "a", "b", "c");
    group.heal();
    for (const message of [...held.reverse(), ...held]) group.deliver(message);
    group.settle();
    for (let i = 0; i < 3; i++) group.ticks(1, 1);
    for (const member of group.members) expect(member.data).toEqual(["a", "b", "c"]);
  });

  it("without a quorum lets nothing be committed, and loses nothing when it is back", () => {
    const group = new TestGroup(5);
    group.elect(1);
    group.isolate(3, 4, 5);
    group.propose(1, "a", "b");
    expect(group.node(1).status().commit).toBe(2);
    // Another leader commits them, along with its first entry.
    group.heal();
    group.lose = ({ from, to }) => from === 1 || to === 1;
    group.elect(2);
    for (const id of [2, 3, 4, 5]) expect(group.member(id).data).toEqual(["a", "b"]);
  });
});

describe("the commit index", () => {
  it.each([
    { size: 1, acks: [], commits: true },
    { size: 3, acks: [], commits: false },
    { size: 3, acks: [2], commits: true },
    { size: 4, acks: [2], commits: false },
    { size: 4, acks: [2, 4], commits: true },
    { size: 5, acks: [2], commits: false },
    { size: 5, acks: [2, 5], commits: true },
  ])("of $size moves with acknowledgements of $acks: $commits", ({ size, acks, commits }) => {
    const group = new TestGroup(size);
    group.elect(1);
    group.lose = () => true;
    group.propose(1, "x");
    for (const from of acks) {
      const ack = { type: MessageType.AppResp, from, to: 1, term: 1, index: 3 } as const;
      group.node(1).step(createMessage(ack));
    }
    expect(group.node(1).status().commit).toBe(commits ? 3 : 2);
  });

  it("counts the leader's own entries only when they are durable", () => {
    const group = new TestGroup(1);
    group.elect(1);
    const { node, storage } = group.member(1);
    node.propose(text("x"));
    expect(node.status()).toMatchObject({ role: Role.Leader, commit: 2, lastIndex: 3 });
    expect(node.status().progress.get(1)?.match).toBe(2);
    storage.append(node.ready().entries);
    expect(node.status().commit).toBe(2);
    node.advance();
    expect(node.status().commit).toBe(3);
    expect(node.status().progress.get(1)?.match).toBe(3);
  });
});
