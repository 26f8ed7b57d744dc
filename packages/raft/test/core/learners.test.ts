import { describe, expect, it } from "vitest";
import { ConfChangeType, createMessage, MessageType, RaftError, Role } from "../../src/index.js";
import { change, TestGroup, text } from "./group.js";

describe("learners", () => {
  it("do not stand for election, by time, by order or by transfer", () => {
    const group = new TestGroup(2, {}, 1);
    group.ticks(2, 40);
    group.node(2).campaign();
    group.node(2).step(createMessage({ type: MessageType.TimeoutNow, from: 1, to: 2, term: 1 }));
    group.settle();
    expect(group.role(2)).toBe(Role.Follower);
    expect(group.count(MessageType.Vote)).toBe(0);
  });

  it("vote when they are asked, for they may have been promoted without knowing it", () => {
    const group = new TestGroup(2, {}, 1);
    const ask = {
      type: MessageType.Vote,
      from: 3,
      to: 2,
      term: 2,
      index: 11,
      logTerm: 11,
    } as const;
    group.node(2).step(createMessage(ask));
    expect(group.member(2).work()).toMatchObject([{ type: MessageType.VoteResp, reject: false }]);
  });

  it("take the log and do not count for it", () => {
    const group = new TestGroup(3, {}, 1);
    group.elect(1);
    group.propose(1, "a");
    expect(group.member(3).data).toEqual(["a"]);
    expect(group.node(1).status().progress.get(3)).toMatchObject({ match: 3, isLearner: true });
    // The learner alone does not make a majority.
    group.isolate(2);
    group.propose(1, "b");
    expect(group.node(1).status().commit).toBe(3);
    expect(group.node(3).status().lastIndex).toBe(4);
  });

  it("ask the leader to read, like others", () => {
    const group = new TestGroup(2, {}, 1);
    group.elect(1);
    group.node(2).readIndex(text("r"));
    group.settle();
    expect(group.member(2).reads).toEqual([{ index: 2, context: text("r") }]);
  });

  it("stand and lead once they are promoted", () => {
    const group = new TestGroup(2, {}, 1);
    group.elect(1);
    group.node(1).proposeConfChange(change(ConfChangeType.AddNode, 2));
    group.settle();
    expect(group.node(2).status().confState).toMatchObject({ voters: [1, 2], learners: [] });
    group.elect(2);
  });

  it("may be removed, and the last voter may not", () => {
    const group = new TestGroup(2, {}, 1);
    group.elect(1);
    const { node } = group.member(1);
    const { confState } = node.status();
    expect(() => node.applyConfChange(change(ConfChangeType.RemoveNode, 1))).toThrow(RaftError);
    expect(node.status().confState).toEqual(confState);
    const left = node.applyConfChange(change(ConfChangeType.RemoveNode, 2));
    expect(left).toMatchObject({ voters: [1], learners: [] });
  });
});

describe("changes of membership", () => {
  it("adding twice, or what is there, changes nothing and hinders nobody", () => {
    const group = new TestGroup(2);
    group.elect(1);
    for (const id of [2, 2, 2]) {
      group.node(1).proposeConfChange(change(ConfChangeType.AddNode, id));
      group.settle();
    }
    group.propose(1, "x");
    expect(group.node(1).status().confState.voters).toEqual([1, 2]);
    expect(group.member(2).data.at(-1)).toBe("x");
  });

  it("commit what waited for a member that was removed", () => {
    const group = new TestGroup(2);
    group.elect(1);
    group.node(1).proposeConfChange(change(ConfChangeType.RemoveNode, 2));
    group.node(1).propose(text("x"));
    group.lose = (m) => m.type === MessageType.AppResp && m.index > 3;
    group.settle();
    expect(group.member(1).data.at(-1)).toBe("x");
    expect(group.node(1).status().confState.voters).toEqual([1]);
  });

  it("with stepDownOnRemoval end the leadership of who is removed or made a learner", () => {
    for (const type of [ConfChangeType.RemoveNode, ConfChangeType.AddLearnerNode]) {
      for (const stepDownOnRemoval of [false, true]) {
        const group = new TestGroup(3, { stepDownOnRemoval });
        group.elect(1);
        group.node(1).proposeConfChange(change(type, 1));
        group.settle();
        expect(group.role(1)).toBe(stepDownOnRemoval ? Role.Follower : Role.Leader);
      }
    }
  });

  it("a member that is not in its configuration does not stand", () => {
    const group = new TestGroup(3);
    group.node(1).applyConfChange(change(ConfChangeType.RemoveNode, 1));
    group.ticks(1, 40);
    expect(group.role(1)).toBe(Role.Follower);
  });

  it("are left out of a joint configuration only by leaving it, as asked or by itself", () => {
    for (const transition of [1, 2] as const) {
      const group = new TestGroup(3);
      group.elect(1);
      group.node(1).proposeConfChange({ ...change(ConfChangeType.RemoveNode, 3), transition });
      group.settle();
      const { votersOutgoing } = group.node(1).status().confState;
      expect(votersOutgoing).toEqual(transition === 1 ? [] : [1, 2, 3]);
      if (transition === 1) continue;
      // Another change does not fit; it takes its place as an empty entry.
      group.node(1).proposeConfChange(change(ConfChangeType.AddNode, 4));
      group.settle();
      expect(group.node(1).status().confState).toMatchObject({ voters: [1, 2], votersOutgoing });
      group.node(2).proposeConfChange(change(ConfChangeType.AddNode));
      group.settle();
      expect(group.node(1).status().confState).toMatchObject({
        voters: [1, 2],
        votersOutgoing: [],
      });
    }
  });

  it("are left by the next leader when the last one could not", () => {
    const group = new TestGroup(4);
    group.elect(1);
    group.node(1).proposeConfChange({ ...change(ConfChangeType.RemoveNode, 3), transition: 1 });
    // The joint configuration is applied everywhere; nothing after it gets through.
    group.lose = (m) => m.entries.some(({ index }) => index > 3);
    group.settle();
    expect(group.node(2).status().confState.votersOutgoing).toEqual([1, 2, 3, 4]);
    group.isolate(1);
    group.elect(2);
    expect(group.node(2).status().confState).toMatchObject({
      voters: [1, 2, 4],
      votersOutgoing: [],
    });
  });
});
