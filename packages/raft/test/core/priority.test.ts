import { describe, expect, it } from "vitest";
import { createMessage, MessageType, NONE, RaftError, Role } from "../../src/index.js";
import { decodeEnvelope, encodeEnvelope } from "../../src/node/transport/wire.js";
import { TestGroup, text } from "./group.js";

function prioritised(priorities: readonly number[], options = {}): TestGroup {
  const group = new TestGroup(priorities.length, options);
  priorities.forEach((priority, i) => {
    group.node(i + 1).setPriority(priority);
  });
  return group;
}

const ask = { type: MessageType.Vote, from: 2, to: 1, term: 9, index: 3, logTerm: 3 } as const;

describe("priority in elections", () => {
  it("lets the member of the highest priority win among equal logs", () => {
    const group = prioritised([1, 2, 3]);
    for (const id of [1, 2]) {
      group.node(id).campaign();
      group.settle();
      expect(group.node(id).basicStatus().role).toBe(id === 1 ? Role.Follower : Role.Leader);
    }
    // 2 had the vote of 1; now 3 takes what neither refuses.
    group.elect(3);
  });

  it.each([
    { name: "an equal log", index: 3, logTerm: 3, granted: false },
    { name: "a longer log", index: 4, logTerm: 3, granted: true },
    { name: "a newer last term and a shorter log", index: 2, logTerm: 4, granted: true },
    { name: "a shorter log", index: 2, logTerm: 3, granted: false },
  ])("with the higher priority answers $name", ({ index, logTerm, granted }) => {
    const member = new TestGroup(3, { priority: 1 }).member(1);
    member.storage.append([2, 3].map((i) => ({ term: 3, index: i, type: 0, data: text("") })));
    for (const type of [MessageType.PreVote, MessageType.Vote]) {
      member.restart().step(createMessage({ ...ask, type, index, logTerm }));
      expect(member.work()).toMatchObject([{ reject: !granted }]);
    }
  });

  it.each([-1, 0, 1])("changes nothing in a group where all have %i", (priority) => {
    const transcripts = [{}, { priority }].map((options) => {
      const group = new TestGroup(3, { preVote: true, checkQuorum: true, ...options });
      group.elect(1);
      group.node(1).propose(text("x"));
      group.ticks(1, 2);
      group.node(1).transferLeader(3);
      group.settle();
      group.isolate(3);
      group.ticks(2, 20);
      group.ticks(1, 20);
      group.heal();
      group.ticks(1, 3);
      return group.delivered.map((message) => ({ ...message, priority: 0 }));
    });
    expect(transcripts[1]).toEqual(transcripts[0]);
  });

  it("does not outrank a transfer that was asked for", () => {
    const group = prioritised([5, 0, 0]);
    group.elect(1);
    group.node(1).transferLeader(2);
    group.settle();
    expect(group.node(2).basicStatus()).toMatchObject({ role: Role.Leader, lead: 2 });
  });

  it("does not unseat a leader by itself", () => {
    const group = prioritised([0, 0, 5]);
    group.isolate(3);
    group.elect(1);
    group.heal();
    group.ticks(1, 30);
    expect(group.node(1).basicStatus().role).toBe(Role.Leader);
  });

  it("elects another when the preferred member is gone", () => {
    const group = prioritised([1, 2, 9]);
    group.isolate(3);
    group.node(1).campaign();
    group.settle();
    expect(group.node(1).basicStatus().role).not.toBe(Role.Leader);
    group.elect(2);
  });

  it("holds up nobody while it cannot win itself: a longer log of an older term", () => {
    const group = prioritised([9, 0, 0]);
    group.elect(1);
    group.isolate(1);
    group.node(1).propose(text("a"));
    group.node(1).propose(text("b"));
    group.settle();
    group.elect(2);
    // Only 1 and 2 are left; the log of 1 is longer and older.
    group.isolate(3);
    expect(group.node(1).status().lastIndex).toBeGreaterThan(group.node(2).status().lastIndex);
    group.member(2).restart();
    group.elect(2);
  });

  it("holds up nobody as a learner", () => {
    const group = new TestGroup(3, { priority: 9 });
    const { node } = group.member(1);
    node.applyConfChange({
      transition: 0,
      changes: [{ type: 3, nodeId: 1 }],
      context: text(""),
    });
    node.step(createMessage({ ...ask, index: 1, logTerm: 1 }));
    expect(group.member(1).work()).toMatchObject([{ reject: false }]);
  });

  it("goes along with votes alone, and over a wire that may not know it", () => {
    const group = new TestGroup(3, { priority: 7, preVote: true });
    group.elect(1);
    for (const { type, priority } of group.delivered) {
      const isVote = type === MessageType.Vote || type === MessageType.PreVote;
      expect(priority).toBe(isVote ? 7 : 0);
    }
    const [message] = group.delivered;
    const envelope = { clusterId: "c", group: 0, from: 1, to: 2, messages: [message!] };
    expect(decodeEnvelope(encodeEnvelope(envelope)).messages[0]?.priority).toBe(7);
    // A group of members with and without priorities: without counts as 0.
    const member = new TestGroup(3, { priority: 1 }).member(1);
    const { priority: _, ...older } = createMessage({ ...ask, index: 1, logTerm: 1 });
    member.node.step({ ...older, priority: 0 });
    expect(member.work()).toMatchObject([{ reject: true }]);
    expect(member.node.basicStatus().vote).toBe(NONE);
  });

  it("is a safe integer", () => {
    expect(() => new TestGroup(1, { priority: 0.5 })).toThrow(RaftError);
    expect(() => new TestGroup(1).node(1).setPriority(Number.NaN)).toThrow(/safe integer/);
  });
});
