import { describe, expect, it } from "vitest";
import { MessageType, Role } from "../../src/index.js";
import { TestGroup, text } from "./group.js";

const lease = { readOnly: "lease", checkQuorum: true } as const;

describe("a lease", () => {
  it("answers reads without a round, once a quorum has answered heartbeats", () => {
    const group = new TestGroup(3, lease);
    group.elect(1);
    expect(group.node(1).basicStatus().holdsLease).toBe(false);
    group.ticks(1, 1);
    expect(group.node(1).basicStatus().holdsLease).toBe(true);
    group.isolate(1);
    group.node(1).readIndex(text("r"));
    group.settle();
    expect(group.member(1).reads).toEqual([{ index: 2, context: text("r") }]);
  });

  it("ends before others elect, and reads are confirmed from then on", () => {
    const group = new TestGroup(3, lease);
    group.elect(1);
    group.ticks(1, 1);
    group.isolate(1);
    let ticks = 0;
    while (group.node(1).basicStatus().holdsLease) {
      group.ticks(1, 1);
      ticks++;
    }
    expect(ticks).toBeGreaterThan(4);
    expect(ticks).toBeLessThan(9);
    group.node(1).readIndex(text("r"));
    group.settle();
    expect(group.member(1).reads).toEqual([]);
  });

  it("is kept by those who restart or are told to campaign", () => {
    const group = new TestGroup(3, lease);
    group.elect(1);
    group.ticks(1, 1);
    group.isolate(1);
    group.member(3).restart();
    group.node(2).campaign();
    group.node(3).campaign();
    group.settle();
    expect(group.node(2).basicStatus().term).toBe(group.node(1).basicStatus().term);
    group.ticks(2, 10);
    group.ticks(3, 10);
    group.node(2).campaign();
    group.settle();
    expect(group.node(2).basicStatus().role).toBe(Role.Leader);
  });

  it("is given up by who hands leadership over, whether or not that succeeds", () => {
    const group = new TestGroup(3, lease);
    group.elect(1);
    group.ticks(1, 1);
    group.lose = ({ type }) => type === MessageType.TimeoutNow;
    group.node(1).transferLeader(2);
    group.settle();
    expect(group.node(1).basicStatus()).toMatchObject({ role: Role.Leader, holdsLease: false });
    group.ticks(1, 15);
    expect(group.node(1).basicStatus()).toMatchObject({ role: Role.Leader, holdsLease: false });
  });
});
