import { describe, expect, it } from "vitest";
import { ConfChangeType, createMessage, MessageType, NONE, Role } from "../../src/index.js";
import { change, TestGroup, text } from "./group.js";

/** Three members, led by 1, whose messages to and from 3 are lost; a transfer to 3 is under way. */
function stuckTransfer(): TestGroup {
  const group = new TestGroup(3);
  group.elect(1);
  group.isolate(3);
  group.node(1).transferLeader(3);
  group.settle();
  expect(group.node(1).status().leadTransferee).toBe(3);
  return group;
}

describe("leadership transfer", () => {
  it.each([{}, { preVote: true, checkQuorum: true }])(
    "goes to a member that is up to date, and back, asked of the leader or of a follower: %o",
    (options) => {
      const group = new TestGroup(3, options);
      group.elect(1);
      group.node(1).transferLeader(2);
      group.settle();
      expect([group.role(1), group.role(2)]).toEqual([Role.Follower, Role.Leader]);
      group.propose(2, "x");
      // A follower passes it on.
      group.node(1).transferLeader(1);
      group.settle();
      expect([group.role(1), group.role(2)]).toEqual([Role.Leader, Role.Follower]);
    },
  );

  it("catches a slow member up first, by snapshot where the log is gone", () => {
    for (const compacted of [false, true]) {
      const group = new TestGroup(3);
      group.elect(1);
      group.isolate(3);
      group.propose(1, "a", "b");
      if (compacted) group.compact(1);
      group.heal();
      group.node(1).transferLeader(3);
      expect(group.role(3)).toBe(Role.Follower);
      group.ticks(1, 2);
      expect(group.role(3)).toBe(Role.Leader);
      expect(group.node(3).status().lastIndex).toBe(5);
    }
  });

  it.each([
    { name: "to itself", target: 1 },
    { name: "to a stranger", target: 9 },
    { name: "to a learner", target: 4 },
  ])("does nothing $name", ({ target }) => {
    const group = new TestGroup(4, {}, 1);
    group.elect(1);
    group.node(1).transferLeader(target);
    expect(group.node(1).status().leadTransferee).toBe(NONE);
    group.settle();
    expect(group.role(1)).toBe(Role.Leader);
  });

  it("refuses proposals until an election timeout has passed, and takes them then", () => {
    const group = stuckTransfer();
    expect(() => group.node(1).propose(text("x"))).toThrow(/transferred/);
    expect(group.node(1).status().progress.get(1)?.match).toBe(2);
    group.ticks(1, 9);
    expect(group.node(1).status().leadTransferee).toBe(3);
    group.ticks(1, 1);
    expect(group.node(1).status()).toMatchObject({ leadTransferee: NONE, role: Role.Leader });
    group.propose(1, "x");
    expect(group.member(2).data).toEqual(["x"]);
  });

  it("ends when another is elected meanwhile", () => {
    const group = stuckTransfer();
    group.elect(2);
    expect(group.node(1).status()).toMatchObject({ role: Role.Follower, leadTransferee: NONE });
  });

  it.each([ConfChangeType.RemoveNode, ConfChangeType.AddLearnerNode])(
    "ends when its target stops voting (change %i)",
    (type) => {
      const group = stuckTransfer();
      // The change was proposed before, and is applied only now.
      group.node(1).applyConfChange(change(type, 3));
      expect(group.node(1).status().leadTransferee).toBe(NONE);
    },
  );

  it("is replaced by one to another member, or back to the leader", () => {
    const group = stuckTransfer();
    group.node(1).transferLeader(1);
    expect(group.node(1).status()).toMatchObject({ leadTransferee: NONE, role: Role.Leader });
    group.node(1).transferLeader(3);
    group.node(1).transferLeader(2);
    group.settle();
    expect(group.role(2)).toBe(Role.Leader);
  });

  it("is not prolonged by being asked for again", () => {
    const group = stuckTransfer();
    group.ticks(1, 5);
    group.node(1).transferLeader(3);
    group.ticks(1, 5);
    expect(group.node(1).status().leadTransferee).toBe(NONE);
  });

  it("does not make a candidate of one that is no member", () => {
    const group = new TestGroup(4, {}, 1);
    const now = { type: MessageType.TimeoutNow, from: 1, to: 4, term: 1 } as const;
    group.node(4).step(createMessage(now));
    group.settle();
    expect(group.role(4)).toBe(Role.Follower);
    expect(group.count(MessageType.Vote)).toBe(0);
  });
});
