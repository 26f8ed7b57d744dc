import { describe, expect, it } from "vitest";
import { createMessage, MessageType, NONE, RaftError, Role } from "../../src/index.js";
import { TestGroup, text } from "./group.js";

const vote = { type: MessageType.Vote, index: 1, logTerm: 1 } as const;

describe("elections", () => {
  it("starts as a follower and stands after an election timeout without a leader (paper 5.2)", () => {
    const group = new TestGroup(3);
    expect(group.node(1).status()).toMatchObject({ role: Role.Follower, lead: NONE, term: 0 });
    for (let i = 0; i < 9; i++) group.node(1).tick();
    expect(group.node(1).status().role).toBe(Role.Follower);
    group.node(1).tick();
    expect(group.node(1).status()).toMatchObject({ role: Role.Candidate, term: 1, vote: 1 });
    group.settle();
    expect(group.node(1).status()).toMatchObject({ role: Role.Leader, lead: 1 });
    expect(group.node(2).status()).toMatchObject({ role: Role.Follower, lead: 1, term: 1 });
  });

  it("votes once a term, and keeps the vote over a restart", () => {
    const group = new TestGroup(3);
    const member = group.member(1);
    member.node.step(createMessage({ ...vote, from: 2, to: 1, term: 5 }));
    expect(member.work()).toMatchObject([{ type: MessageType.VoteResp, to: 2, reject: false }]);
    member.restart();
    member.node.step(createMessage({ ...vote, from: 3, to: 1, term: 5 }));
    expect(member.work()).toMatchObject([{ type: MessageType.VoteResp, to: 3, reject: true }]);
    member.node.step(createMessage({ ...vote, from: 2, to: 1, term: 5 }));
    expect(member.work()).toMatchObject([{ type: MessageType.VoteResp, to: 2, reject: false }]);
  });

  it("persists a vote before it sends it", () => {
    const { node } = new TestGroup(3).member(1);
    node.step(createMessage({ ...vote, from: 2, to: 1, term: 5 }));
    const ready = node.ready();
    expect(ready.hardState).toEqual({ term: 5, vote: 2, commit: 1 });
    expect(ready.mustSync).toBe(true);
  });

  it.each([
    { name: "an older last term", index: 9, logTerm: 1, granted: false },
    { name: "an equal term and a shorter log", index: 2, logTerm: 3, granted: false },
    { name: "an equal log", index: 3, logTerm: 3, granted: true },
    { name: "an equal term and a longer log", index: 4, logTerm: 3, granted: true },
    { name: "a newer last term and a shorter log", index: 2, logTerm: 4, granted: true },
  ])("answers a candidate with $name (paper 5.4.1)", ({ index, logTerm, granted }) => {
    const group = new TestGroup(3);
    const member = group.member(1);
    member.storage.append([2, 3].map((i) => ({ term: 3, index: i, type: 0, data: text("") })));
    member.restart();
    member.node.step(createMessage({ ...vote, from: 2, to: 1, term: 9, index, logTerm }));
    expect(member.work()).toMatchObject([{ type: MessageType.VoteResp, reject: !granted }]);
  });

  it("needs a majority, and steps down when a majority refuses", () => {
    const group = new TestGroup(5);
    group.lose = () => true;
    const { node } = group.member(1);
    node.campaign();
    group.settle();
    const answer = { type: MessageType.VoteResp, to: 1, term: 1 } as const;
    node.step(createMessage({ ...answer, from: 2 }));
    node.step(createMessage({ ...answer, from: 2 }));
    expect(node.status().role).toBe(Role.Candidate);
    node.step(createMessage({ ...answer, from: 3, reject: true }));
    node.step(createMessage({ ...answer, from: 4, reject: true }));
    expect(node.status().role).toBe(Role.Candidate);
    node.step(createMessage({ ...answer, from: 5, reject: true }));
    expect(node.status().role).toBe(Role.Follower);
  });

  it("follows a leader of a newer term, whatever it was", () => {
    for (const role of [Role.Follower, Role.Candidate, Role.Leader]) {
      const group = new TestGroup(3);
      if (role === Role.Leader) group.elect(1);
      if (role === Role.Candidate) group.node(1).campaign();
      const heartbeat = { type: MessageType.Heartbeat, from: 2, to: 1, term: 7 } as const;
      group.node(1).step(createMessage(heartbeat));
      expect(group.node(1).status()).toMatchObject({ role: Role.Follower, lead: 2, term: 7 });
    }
  });

  it("draws each election timeout anew from [electionTick, 2 · electionTick)", () => {
    const group = new TestGroup(3, { electionTick: 10 });
    const { node } = group.member(1);
    node.setElectionTimeout(19);
    for (let i = 0; i < 18; i++) node.tick();
    expect(node.status().role).toBe(Role.Follower);
    node.tick();
    expect(node.status().role).toBe(Role.Candidate);
    for (let i = 0; i < 10; i++) node.tick();
    expect(node.status().term).toBe(2);
  });

  it("keeps its term through a partition with preVote", () => {
    const group = new TestGroup(3, { preVote: true, checkQuorum: true });
    group.elect(1);
    group.isolate(3);
    group.ticks(3, 100);
    expect(group.node(3).status()).toMatchObject({ role: Role.PreCandidate, term: 1 });
    group.heal();
    group.ticks(1, 2);
    expect(group.node(1).status()).toMatchObject({ role: Role.Leader, term: 1 });
    expect(group.node(3).status()).toMatchObject({ role: Role.Follower, lead: 1, term: 1 });
  });

  it("steps down with checkQuorum when it hears of no quorum, and not while it does", () => {
    const group = new TestGroup(3, { checkQuorum: true });
    group.elect(1);
    group.ticks(1, 50);
    expect(group.node(1).status().role).toBe(Role.Leader);
    group.isolate(1);
    group.ticks(1, 21);
    expect(group.node(1).status()).toMatchObject({ role: Role.Follower, lead: NONE, term: 1 });
  });

  it("transfers leadership, after catching the target up", () => {
    const group = new TestGroup(3, { preVote: true, checkQuorum: true });
    group.elect(1);
    group.isolate(2);
    group.node(1).propose(text("x"));
    group.settle();
    group.heal();
    group.node(1).transferLeader(2);
    expect(() => group.node(1).propose(text("y"))).toThrow(RaftError);
    group.ticks(1, 2);
    expect(group.node(2).status()).toMatchObject({ role: Role.Leader, term: 2 });
    expect(group.node(1).status()).toMatchObject({ role: Role.Follower, lead: 2 });
  });

  it("takes proposals again when a transfer has failed for an election timeout", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.isolate(2);
    group.node(1).transferLeader(2);
    expect(() => group.node(1).propose(text("x"))).toThrow(/transferred/);
    group.ticks(1, 10);
    group.node(1).propose(text("x"));
    group.settle();
    expect(group.member(3).data).toEqual(["x"]);
  });

  it("does not campaign with an unapplied configuration change", () => {
    const group = new TestGroup(3);
    group.elect(1);
    const { node, storage } = group.member(2);
    const change = { term: 1, index: 3, type: 2, data: text("") } as const;
    node.step(
      createMessage({
        type: MessageType.App,
        from: 1,
        to: 2,
        term: 1,
        index: 2,
        logTerm: 1,
        entries: [change],
        commit: 3,
      }),
    );
    const ready = node.ready();
    storage.append(ready.entries);
    node.campaign();
    expect(node.status().role).toBe(Role.Follower);
  });
});
