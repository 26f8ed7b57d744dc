import { describe, expect, it } from "vitest";
import { MessageType, Role } from "../../src/index.js";
import { TestGroup, text } from "./group.js";

/** Members vote only after an election timeout, since a promise may be counted on. */
function ledByFirst(): TestGroup {
  const group = new TestGroup(3, { readOnly: "lease", checkQuorum: true });
  for (const id of [2, 3]) group.node(id).setElectionTimeout(14);
  for (let tick = 0; tick < 10; tick++) for (const id of [2, 3, 1]) group.ticks(id, 1);
  expect(group.node(1).basicStatus()).toMatchObject({ role: Role.Leader, holdsLease: false });
  return group;
}

describe("a lease", () => {
  it("answers reads without a round, once a quorum has answered heartbeats", () => {
    const group = ledByFirst();
    group.ticks(1, 1);
    expect(group.node(1).basicStatus().holdsLease).toBe(true);
    group.isolate(1);
    group.node(1).readIndex(text("r"));
    group.settle();
    expect(group.member(1).reads).toEqual([{ index: 2, context: text("r") }]);
  });

  it("ends before others elect, and reads are confirmed from then on", () => {
    const group = ledByFirst();
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
    const group = ledByFirst();
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
    const group = ledByFirst();
    group.ticks(1, 1);
    group.lose = ({ type }) => type === MessageType.TimeoutNow;
    group.node(1).transferLeader(2);
    group.settle();
    expect(group.node(1).basicStatus()).toMatchObject({ role: Role.Leader, holdsLease: false });
    group.ticks(1, 15);
    expect(group.node(1).basicStatus()).toMatchObject({ role: Role.Leader, holdsLease: false });
  });
});
