import { describe, expect, it } from "vitest";
import {
  createMessage,
  type Message,
  MessageType,
  NONE,
  RaftError,
  Role,
} from "../../src/index.js";
import { TestGroup, text } from "./group.js";

const ROLES = ["Follower", "PreCandidate", "Candidate", "Leader"] as const;

/** A group of three whose first member is in this role, in term 1 (a pre-candidate: 0). */
function inRole(role: (typeof ROLES)[number]): TestGroup {
  const group = new TestGroup(3, { preVote: role === "PreCandidate" });
  if (role === "Leader") group.elect(1);
  else if (role === "Follower") group.elect(2);
  else group.node(1).campaign();
  group.member(1).work();
  expect(group.role(1)).toBe(Role[role]);
  return group;
}

describe("any role", () => {
  const leaders = [MessageType.App, MessageType.Heartbeat, MessageType.Snap] as const;
  const others = [MessageType.VoteResp, MessageType.AppResp, MessageType.HeartbeatResp] as const;
  const { metadata } = new TestGroup(3).member(1).storage.snapshot();
  const snapshot = { metadata, data: text("") };

  it.each(ROLES)("follows a newer term, and its leader when the message is one's (%s)", (role) => {
    for (const type of [...leaders, ...others]) {
      const group = inRole(role);
      const message = { type, from: 3, to: 1, term: 7, index: 1, logTerm: 1, snapshot } as const;
      group.node(1).step(createMessage(message));
      const lead = leaders.some((one) => one === type) ? 3 : NONE;
      expect(group.node(1).status()).toMatchObject({ role: Role.Follower, term: 7, lead, vote: 0 });
    }
  });

  it.each(ROLES)("votes in a newer term, and says with which term (%s)", (role) => {
    const group = inRole(role);
    const ask = { type: MessageType.Vote, from: 3, to: 1, term: 7, index: 9, logTerm: 5 } as const;
    group.node(1).step(createMessage(ask));
    expect(group.node(1).status()).toMatchObject({ role: Role.Follower, term: 7, vote: 3 });
    expect(group.member(1).work()).toMatchObject([
      { type: MessageType.VoteResp, to: 3, term: 7, reject: false },
    ]);
  });

  it.each(ROLES)("answers a pre-vote for a newer term without following it (%s)", (role) => {
    const group = inRole(role);
    const before = group.node(1).status();
    const ask = { type: MessageType.PreVote, from: 3, to: 1, term: 7, index: 9, logTerm: 5 };
    group.node(1).step(createMessage(ask as Message));
    expect(group.node(1).status()).toEqual(before);
    expect(group.member(1).work()).toMatchObject([
      { type: MessageType.PreVoteResp, to: 3, term: 7, reject: false },
    ]);
  });

  it("ignores what is of an older term", () => {
    const group = inRole("Leader");
    group.elect(2);
    const before = group.node(1).status();
    const append = { type: MessageType.App, from: 1, to: 1, term: 1 } as const;
    group.node(1).step(createMessage({ ...append, from: 3, index: 9, logTerm: 1, commit: 9 }));
    expect(group.member(1).work()).toEqual([]);
    expect(group.node(1).status()).toEqual(before);
  });
});

describe("candidates", () => {
  it("give way to a leader of their term, and take what it sends", () => {
    const group = inRole("Candidate");
    const entry = { term: 1, index: 2, type: 0, data: text("x") } as const;
    const append = {
      type: MessageType.App,
      from: 3,
      to: 1,
      term: 1,
      index: 1,
      logTerm: 1,
    } as const;
    group.node(1).step(createMessage({ ...append, entries: [entry], commit: 2 }));
    expect(group.node(1).status()).toMatchObject({ role: Role.Follower, lead: 3, term: 1 });
    group.member(1).work();
    expect(group.member(1).data).toEqual(["x"]);
  });

  it("stand again, in the next term, when nobody wins", () => {
    const group = inRole("Candidate");
    group.lose = () => true;
    group.ticks(1, 10);
    expect(group.node(1).status()).toMatchObject({ role: Role.Candidate, term: 2, vote: 1 });
  });

  it("take no proposals", () => {
    expect(() => inRole("Candidate").node(1).propose(text("x"))).toThrow(RaftError);
    expect(() => inRole("PreCandidate").node(1).propose(text("x"))).toThrow(/no leader/);
  });

  it("that lost count their own late vote no more", () => {
    for (const preVote of [false, true]) {
      const group = new TestGroup(3, { preVote });
      group.node(1).campaign();
      const late = group.node(1).ready();
      const term = preVote ? 0 : 1;
      const lead = { type: MessageType.Heartbeat, from: 2, to: 1, term: term || 1 } as const;
      group.node(1).step(createMessage(lead));
      if (late.hardState !== null) group.member(1).storage.setHardState(late.hardState);
      group.node(1).advance();
      expect(group.node(1).status()).toMatchObject({ role: Role.Follower, lead: 2 });
    }
  });

  it("do not take the answer to a pre-vote for a vote", () => {
    const group = new TestGroup(3, { preVote: true });
    group.node(1).campaign();
    group.node(1).ready();
    // A quorum would vote before the own pre-vote is durable.
    for (const from of [2, 3]) {
      const grant = { type: MessageType.PreVoteResp, from, to: 1, term: 1 } as const;
      group.node(1).step(createMessage(grant));
    }
    expect(group.role(1)).toBe(Role.Candidate);
    group.node(1).advance();
    expect(group.role(1)).toBe(Role.Candidate);
  });

  it("do not take a late vote for the answer to a pre-vote", () => {
    const group = new TestGroup(3, { preVote: true });
    group.lose = ({ type }) => type === MessageType.VoteResp;
    group.node(1).campaign();
    group.settle();
    expect(group.node(1).status()).toMatchObject({ role: Role.Candidate, term: 1 });
    // It asks anew; the votes of the lost election arrive.
    group.lose = () => true;
    group.ticks(1, 10);
    expect(group.role(1)).toBe(Role.PreCandidate);
    for (const from of [2, 3]) {
      const late = { type: MessageType.VoteResp, from, to: 1, term: 1 } as const;
      group.node(1).step(createMessage(late));
    }
    expect(group.role(1)).toBe(Role.PreCandidate);
  });

  it("win alone in a group of one, with and without pre-vote, once their vote is durable", () => {
    for (const preVote of [false, true]) {
      const group = new TestGroup(1, { preVote });
      group.node(1).campaign();
      expect(group.role(1)).not.toBe(Role.Leader);
      group.settle();
      expect(group.role(1)).toBe(Role.Leader);
    }
  });
});

describe("leaders", () => {
  it.each([false, true])("do not stand again (preVote %s)", (preVote) => {
    const group = new TestGroup(1, { preVote });
    group.elect(1);
    const term = group.term(1);
    group.node(1).campaign();
    expect(group.node(1).status()).toMatchObject({ role: Role.Leader, term });
  });

  it.each([false, true])("can be any member, one after the other (preVote %s)", (preVote) => {
    const group = new TestGroup(3, { preVote });
    for (const id of [1, 2, 3]) {
      group.elect(id);
      for (const other of [1, 2, 3].filter((one) => one !== id)) {
        expect(group.node(other).status()).toMatchObject({ role: Role.Follower, lead: id });
      }
    }
  });

  it("do not count their own entries of a term that is over", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.lose = () => true;
    group.node(1).propose(text("x"));
    const { entries } = group.node(1).ready();
    group.member(1).storage.append(entries);
    group.node(1).step(createMessage({ type: MessageType.Heartbeat, from: 2, to: 1, term: 5 }));
    group.node(1).advance();
    expect(group.node(1).status()).toMatchObject({ role: Role.Follower, commit: 2, lastIndex: 3 });
  });

  it("overwrite longer logs of older terms", () => {
    const group = new TestGroup(5);
    group.elect(1);
    group.isolate(1);
    group.node(1).propose(text("lost"));
    group.node(1).propose(text("lost too"));
    group.settle();
    group.elect(2);
    group.propose(2, "kept");
    group.heal();
    group.ticks(2, 2);
    expect(group.node(1).status().lastIndex).toBe(group.node(2).status().lastIndex);
    for (const member of group.members) expect(member.data).toEqual(["kept"]);
  });
});

describe("dueling candidates", () => {
  it("without pre-vote the one with the shorter log raises the term and loses", () => {
    const group = new TestGroup(3);
    group.isolate(3);
    group.elect(1);
    group.node(3).campaign();
    group.settle();
    expect(group.role(3)).toBe(Role.Candidate);
    group.heal();
    // Its term makes the others followers, its log wins no vote.
    group.node(3).campaign();
    group.settle();
    expect(group.members.map(({ id }) => group.role(id))).not.toContain(Role.Leader);
    expect(new Set(group.members.map(({ id }) => group.term(id)))).toEqual(new Set([2]));
    group.elect(1);
  });

  it("with pre-vote it disturbs nobody", () => {
    const group = new TestGroup(3, { preVote: true });
    group.isolate(3);
    group.elect(1);
    group.node(3).campaign();
    group.heal();
    group.node(3).campaign();
    group.settle();
    expect(group.role(1)).toBe(Role.Leader);
    expect(group.node(3).status()).toMatchObject({ role: Role.Follower, term: 1 });
  });
});
