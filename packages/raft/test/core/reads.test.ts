import { describe, expect, it } from "vitest";
import {
  ConfChangeTransition,
  ConfChangeType,
  createMessage,
  MessageType,
  Role,
} from "../../src/index.js";
import { TestGroup, text } from "./group.js";

describe("ReadIndex", () => {
  it("answers the leader once a quorum has confirmed it", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.node(1).propose(text("x"));
    group.settle();
    group.isolate(1);
    group.node(1).readIndex(text("r"));
    group.settle();
    expect(group.member(1).reads).toEqual([]);
    group.heal();
    group.ticks(1, 1);
    expect(group.member(1).reads).toEqual([{ index: 3, context: text("r") }]);
  });

  it("answers a follower through the leader", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.node(3).readIndex(text("r"));
    group.settle();
    expect(group.member(3).reads).toEqual([{ index: 2, context: text("r") }]);
    expect(group.member(1).reads).toEqual([]);
  });

  it("waits for the first commit of the term", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.node(1).propose(text("committed by 1, unknown to 2"));
    // The followers hold the entry and never learn that it is committed.
    group.lose = ({ type, commit }) => type === MessageType.App && commit > 2;
    group.settle();
    expect(group.node(1).status().commit).toBe(3);
    expect(group.node(2).status().commit).toBe(2);
    group.isolate(1);
    const held = group.lose;
    // Leader 2 is elected, but its first entry reaches nobody.
    group.lose = (m) => held(m) || m.type === MessageType.App;
    group.elect(2);
    group.node(2).readIndex(text("r"));
    group.ticks(2, 3);
    expect(group.member(2).reads).toEqual([]);
    group.lose = held;
    group.ticks(2, 3);
    expect(group.member(2).reads).toEqual([{ index: 4, context: text("r") }]);
  });

  it("waits for the first commit of the term also with one voter", () => {
    const group = new TestGroup(1);
    group.elect(1);
    group.node(1).propose(text("x"));
    group.settle();
    // The commit index was not durable: a restart finds the entry without it.
    const { hardState } = group.member(1).storage.initialState();
    group.member(1).storage.setHardState({ ...hardState, commit: 1 });
    group.member(1).restart();
    group.node(1).campaign();
    group.node(1).ready();
    group.node(1).advance();
    expect(group.node(1).status()).toMatchObject({ role: Role.Leader, commit: 1 });
    group.node(1).readIndex(text("r"));
    group.settle();
    expect(group.member(1).reads).toEqual([{ index: 4, context: text("r") }]);
  });

  it("never lets a deposed leader answer, not even from old confirmations of the same context", () => {
    const group = new TestGroup(3);
    group.elect(1);
    const answers: Parameters<TestGroup["deliver"]>[0][] = [];
    group.lose = (message) => {
      if (message.type !== MessageType.HeartbeatResp) return false;
      answers.push(message);
      return true;
    };
    group.node(1).readIndex(text("same"));
    group.settle();
    expect(answers).toHaveLength(2);
    group.heal();
    group.ticks(1, 1);
    expect(group.member(1).reads).toHaveLength(1);
    // 1 is cut off, 2 leads and commits.
    group.isolate(1);
    group.elect(2);
    group.node(2).propose(text("new"));
    group.settle();
    group.node(1).readIndex(text("same"));
    for (const answer of answers) group.node(1).step(answer);
    group.settle();
    expect(group.member(1).reads).toHaveLength(1);
  });

  it("confirms all waiting reads with one round", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.lose = ({ type }) => type === MessageType.HeartbeatResp;
    for (const name of ["a", "b", "c"]) group.node(1).readIndex(text(name));
    group.settle();
    expect(group.member(1).reads).toEqual([]);
    group.heal();
    group.node(1).tick();
    group.settle();
    expect(group.member(1).reads.map(({ context }) => new TextDecoder().decode(context))).toEqual([
      "a",
      "b",
      "c",
    ]);
  });

  it("needs no round with lease-based reads, and refuses them without checkQuorum", () => {
    const group = new TestGroup(3, { readOnly: "lease-based", checkQuorum: true });
    group.elect(1);
    const heartbeats = group.count(MessageType.Heartbeat);
    group.node(1).readIndex(text("r"));
    group.settle();
    expect(group.member(1).reads).toEqual([{ index: 2, context: text("r") }]);
    expect(group.count(MessageType.Heartbeat)).toBe(heartbeats);
    expect(() => new TestGroup(1, { readOnly: "lease-based" })).toThrow(/checkQuorum/);
  });

  it("asks the remaining voter when the leader was removed and still leads", () => {
    const group = new TestGroup(2);
    group.elect(1);
    group.node(1).proposeConfChange({
      transition: ConfChangeTransition.Auto,
      changes: [{ type: ConfChangeType.RemoveNode, nodeId: 1 }],
      context: text(""),
    });
    group.settle();
    expect(group.node(1).status()).toMatchObject({
      role: Role.Leader,
      confState: { voters: [2] },
    });
    group.isolate(1);
    group.elect(2);
    group.node(2).propose(text("new"));
    group.settle();
    group.node(1).readIndex(text("r"));
    group.settle();
    expect(group.member(1).reads).toEqual([]);
  });

  it("drops what comes over the bound on waiting reads", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.isolate(1);
    for (let i = 0; i < 5000; i++) group.node(1).readIndex(text("r"));
    group.settle();
    group.heal();
    group.ticks(1, 1);
    expect(group.member(1).reads).toHaveLength(4096);
  });

  it("forgets reads at a change of term, and those of strangers' tokens", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.isolate(1);
    group.node(1).readIndex(text("r"));
    group.settle();
    const token = Uint8Array.of(255, 255, 255);
    const { term } = group.node(1).status();
    group
      .node(1)
      .step(
        createMessage({ type: MessageType.HeartbeatResp, from: 2, to: 1, term, context: token }),
      );
    group.settle();
    expect(group.member(1).reads).toEqual([]);
    group.elect(2);
    group.heal();
    group.ticks(2, 2);
    group.ticks(1, 2);
    expect(group.member(1).reads).toEqual([]);
  });
});
