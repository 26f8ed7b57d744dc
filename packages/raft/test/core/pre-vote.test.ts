import { describe, expect, it } from "vitest";
import { createMessage, MessageType, NONE, Role } from "../../src/index.js";
import { TestGroup, text } from "./group.js";

describe("preVote", () => {
  it("lets a member of a smaller term win, when it has the longer log", () => {
    const group = new TestGroup(3, { preVote: true });
    group.elect(1);
    // 3 alone gets a higher term, from before it asked first.
    group.isolate(3);
    group.member(3).work();
    group.member(3).restart({ preVote: false });
    group.node(3).campaign();
    group.node(3).campaign();
    group.settle();
    group.member(3).restart({ preVote: true });
    group.propose(1, "x");
    expect(group.term(3)).toBeGreaterThan(group.term(2));
    // 1 is gone; the refusal of 3 tells 2 the term.
    group.isolate(1);
    group.node(3).campaign();
    group.node(2).campaign();
    group.settle();
    group.elect(2);
    expect(group.node(3).status().lead).toBe(2);
  });

  it("gets over a split vote", () => {
    const group = new TestGroup(3, { preVote: true });
    group.elect(1);
    group.isolate(1);
    for (const id of [2, 3]) group.node(id).campaign();
    group.settle();
    expect([group.role(2), group.role(3)]).toEqual([Role.Candidate, Role.Candidate]);
    expect([group.term(2), group.term(3)]).toEqual([2, 2]);
    group.elect(2);
    expect(group.node(3).status()).toMatchObject({ term: 3, lead: 2 });
  });

  it("is not granted while a leader is heard of, and is when it is gone", () => {
    const group = new TestGroup(3, { preVote: true, checkQuorum: true });
    group.elect(1);
    group.node(3).campaign();
    group.settle();
    expect(group.role(1)).toBe(Role.Leader);
    expect(group.node(3).status()).toMatchObject({ role: Role.PreCandidate, term: 1 });
    group.isolate(1);
    group.node(2).setElectionTimeout(19);
    for (let i = 0; i < 10; i++) group.node(2).tick();
    group.settle();
    group.elect(3);
    expect(group.node(2).status().lead).toBe(3);
  });

  it("may be switched on member by member", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.propose(1, "x");
    group.isolate(3);
    group.node(3).campaign();
    group.node(3).campaign();
    group.settle();
    // 3 has a higher term; the others have not moved.
    for (const member of group.members) member.restart({ preVote: true });
    group.heal();
    group.node(3).campaign();
    group.settle();
    group.node(1).campaign();
    group.settle();
    group.elect(1);
    expect(new Set(group.members.map(({ id }) => group.node(id).status().lead))).toEqual(
      new Set([1]),
    );
  });

  it("frees a candidate that is stuck at a higher term by telling the leader", () => {
    const group = new TestGroup(3, { preVote: true });
    group.elect(1);
    group.isolate(3);
    group.member(3).restart({ preVote: false });
    group.node(3).campaign();
    group.node(3).campaign();
    group.settle();
    group.member(3).restart({ preVote: true });
    group.heal();
    const stuck = group.term(3);
    // A heartbeat of the older term is answered with the newer one.
    group.ticks(1, 1);
    expect(group.node(1).status()).toMatchObject({ role: Role.Follower, term: stuck, lead: NONE });
    group.elect(1);
    expect(group.node(3).status().lead).toBe(1);
  });

  it("refuses a pre-vote of an older term with its own, so that the asker may follow", () => {
    const group = new TestGroup(3, { preVote: true });
    group.elect(1);
    group.elect(2);
    const ask = {
      type: MessageType.PreVote,
      from: 3,
      to: 1,
      term: 1,
      index: 9,
      logTerm: 9,
    } as const;
    group.node(1).step(createMessage(ask));
    expect(group.member(1).work()).toMatchObject([
      { type: MessageType.PreVoteResp, term: 2, reject: true },
    ]);
  });
});

describe("checkQuorum", () => {
  const options = { checkQuorum: true };

  it("elects, and refuses others only while a leader is heard of", () => {
    const group = new TestGroup(3, options);
    group.elect(1);
    group.node(3).campaign();
    group.settle();
    // Nobody answered, so nothing but 3's own term has moved.
    expect(group.role(3)).toBe(Role.Candidate);
    expect([group.role(1), group.term(1)]).toEqual([Role.Leader, 1]);
    group.isolate(1);
    for (let i = 0; i < 10; i++) group.node(2).tick();
    group.settle();
    group.node(3).campaign();
    group.settle();
    expect([group.role(2), group.role(3)]).toContain(Role.Leader);
  });

  it("frees a candidate whose votes are ignored", () => {
    const group = new TestGroup(3, options);
    group.elect(1);
    group.isolate(1);
    group.node(3).campaign();
    group.settle();
    group.node(3).campaign();
    group.settle();
    expect(group.node(3).status()).toMatchObject({ role: Role.Candidate, term: 3 });
    expect(group.node(2).status()).toMatchObject({ role: Role.Follower, term: 1 });
    group.heal();
    const heartbeat = { type: MessageType.Heartbeat, from: 1, to: 3, term: 1 } as const;
    group.node(3).step(createMessage(heartbeat));
    group.settle();
    expect(group.node(1).status()).toMatchObject({ role: Role.Follower, term: 3 });
    group.elect(3);
  });

  it("lets a member that may not stand follow a leader all the same", () => {
    const group = new TestGroup(2, options, 1);
    group.elect(1);
    expect(group.node(2).status()).toMatchObject({ role: Role.Follower, lead: 1 });
    group.ticks(2, 40);
    expect(group.role(2)).toBe(Role.Follower);
  });

  it("lets a follower without a quorum unseat a leader only without preVote", () => {
    for (const preVote of [false, true]) {
      const group = new TestGroup(3, { checkQuorum: true, preVote });
      group.elect(1);
      group.lose = ({ to }) => to === 3;
      for (let i = 0; i < 10; i++) group.node(3).tick();
      group.settle();
      expect(group.role(3)).toBe(preVote ? Role.PreCandidate : Role.Candidate);
      group.heal();
      group.ticks(1, 1);
      expect(group.role(1)).toBe(preVote ? Role.Leader : Role.Follower);
    }
  });

  it("gives a new member its time", () => {
    const group = new TestGroup(1, options);
    group.elect(1);
    group.ticks(1, 9);
    const add = { transition: 0, changes: [{ type: 0, nodeId: 2 }], context: text("") } as const;
    group.node(1).applyConfChange(add);
    // Its not having been heard of does not count at the first check.
    group.node(1).tick();
    expect(group.role(1)).toBe(Role.Leader);
    for (let i = 0; i < 10; i++) group.node(1).tick();
    expect(group.role(1)).toBe(Role.Follower);
  });
});
