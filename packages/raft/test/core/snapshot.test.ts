import { describe, expect, it } from "vitest";
import {
  type ConfState,
  createMessage,
  MessageType,
  ProgressState,
  RaftError,
  type Snapshot,
} from "../../src/index.js";
import { TestGroup, text } from "./group.js";

const voting: ConfState = {
  voters: [1, 2, 3],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};

function snapshotOf(index: number, term: number, confState: Partial<ConfState> = {}): Snapshot {
  const metadata = { index, term, confState: { ...voting, ...confState } };
  return { metadata, data: text("state") };
}

/** A follower of 1, asked to take a snapshot; returns what it answers. */
function restore(group: TestGroup, snapshot: Snapshot, id = 2) {
  const message = { type: MessageType.Snap, from: 1, to: id, term: 11, snapshot } as const;
  group.node(id).step(createMessage(message));
  return group.member(id).work();
}

describe("taking a snapshot", () => {
  it("starts log and configuration anew, and says where they are", () => {
    const group = new TestGroup(3);
    expect(restore(group, snapshotOf(11, 11, { learners: [4] }))).toMatchObject([
      { type: MessageType.AppResp, to: 1, index: 11, reject: false },
    ]);
    expect(group.node(2).status()).toMatchObject({
      commit: 11,
      lastIndex: 11,
      firstIndex: 12,
      confState: { voters: [1, 2, 3], learners: [4] },
    });
    expect(group.node(2).logTerm(11)).toBe(11);
    expect(group.member(2).storage.snapshot().data).toEqual(text("state"));
    // The same again is old: the answer tells the commit.
    expect(restore(group, snapshotOf(11, 11))).toMatchObject([{ index: 11 }]);
    expect(restore(group, snapshotOf(5, 5))).toMatchObject([{ index: 11 }]);
  });

  it("takes a joint configuration, of which it may be an outgoing voter only", () => {
    const group = new TestGroup(3);
    const joint = { voters: [3, 4], votersOutgoing: [1, 2, 3], learnersNext: [2], autoLeave: true };
    restore(group, snapshotOf(11, 11, joint));
    expect(group.node(2).status().confState).toEqual({ ...voting, ...joint });
  });

  it("makes a voter a learner, and a learner a voter", () => {
    const group = new TestGroup(3, {}, 1);
    restore(group, snapshotOf(11, 11, { voters: [1, 3], learners: [2] }), 2);
    expect(group.node(2).status().confState).toMatchObject({ voters: [1, 3], learners: [2] });
    restore(group, snapshotOf(11, 11), 3);
    expect(group.node(3).status().confState.voters).toEqual([1, 2, 3]);
    group.ticks(3, 20);
    expect(group.count(MessageType.Vote)).toBeGreaterThan(0);
  });

  it("ignores one that does not name it", () => {
    const group = new TestGroup(3);
    restore(group, snapshotOf(11, 11, { voters: [1, 3] }));
    expect(group.node(2).status()).toMatchObject({ commit: 1, lastIndex: 1 });
  });

  it("only commits what the log holds already", () => {
    const group = new TestGroup(3);
    const entries = [2, 3].map((index) => ({ term: 1, index, type: 0 as const, data: text("x") }));
    const append = {
      type: MessageType.App,
      from: 1,
      to: 2,
      term: 1,
      index: 1,
      logTerm: 1,
    } as const;
    group.node(2).step(createMessage({ ...append, entries }));
    group.member(2).work();
    restore(group, snapshotOf(3, 1));
    expect(group.node(2).status()).toMatchObject({ commit: 3, firstIndex: 2, lastIndex: 3 });
    expect(group.member(2).data).toEqual(["x", "x"]);
  });

  it("may not stand for election before it is installed", () => {
    const group = new TestGroup(3);
    const message = { type: MessageType.Snap, from: 1, to: 2, term: 11 } as const;
    group.node(2).step(createMessage({ ...message, snapshot: snapshotOf(11, 11) }));
    group.node(2).campaign();
    expect(group.term(2)).toBe(11);
    group.member(2).work();
    group.node(2).campaign();
    expect(group.term(2)).toBe(12);
  });
});

describe("providing a snapshot", () => {
  it("brings a slow follower to where the log goes on, and then all of it", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.isolate(3);
    for (let i = 0; i < 100; i++) group.propose(1, `${i}`);
    group.compact(1);
    group.propose(1, "after");
    group.heal();
    group.ticks(1, 3);
    expect(group.count(MessageType.Snap)).toBe(1);
    expect(group.member(3).data).toEqual(["after"]);
    expect(group.node(3).status().commit).toBe(group.node(1).status().commit);
  });

  it("waits while storage has none", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.isolate(3);
    group.propose(1, "a", "b");
    const { storage } = group.member(1);
    const { snapshot } = storage;
    group.compact(1);
    let asked = 0;
    storage.snapshot = (...args) => {
      asked++;
      if (asked < 3) throw new RaftError("snapshot-temporarily-unavailable", "not yet");
      return snapshot.apply(storage, args);
    };
    group.heal();
    group.ticks(1, 5);
    expect(asked).toBe(3);
    expect(group.node(1).status().progress.get(3)?.state).toBe(ProgressState.Replicate);
  });
});
