import { describe, expect, it } from "vitest";
import {
  createMessage,
  type MemberProgress,
  type Message,
  MessageType,
  ProgressState,
} from "../../src/index.js";
import { TestGroup, text } from "./group.js";

/** A leader, 1 of 2, whose messages to 2 are kept from it and can be looked at. */
class Leader {
  readonly group: TestGroup;

  constructor(options = {}) {
    this.group = new TestGroup(2, options);
    this.group.elect(1);
    this.group.lose = () => true;
  }

  get progress(): MemberProgress {
    return this.group.node(1).status().progress.get(2)!;
  }

  /** Proposes, and returns the appends that went out. */
  propose(...values: string[]): Message[] {
    for (const value of values) this.group.node(1).propose(text(value));
    return this.appends();
  }

  appends(): Message[] {
    return this.group
      .member(1)
      .work()
      .filter(({ type }) => type === MessageType.App);
  }

  hear(fields: Partial<Message> & Pick<Message, "type">): void {
    const term = this.group.term(1);
    this.group.node(1).step(createMessage({ from: 2, to: 1, term, ...fields }));
  }

  tick(): Message[] {
    this.group.node(1).tick();
    return this.group.member(1).work();
  }
}

const indexes = (messages: readonly Message[]) =>
  messages.map(({ entries }) => entries.map(({ index }) => index));

describe("replication to one member", () => {
  it("probes with one append, and the next only after an answer to a heartbeat", () => {
    const leader = new Leader({ maxSizePerMsg: 0 });
    leader.group.node(1).reportUnreachable(2);
    expect(leader.progress).toMatchObject({ state: ProgressState.Probe, next: 3 });
    expect(indexes(leader.propose("a"))).toEqual([[3]]);
    expect(leader.progress.paused).toBe(true);
    expect(leader.propose("b", "c")).toEqual([]);
    for (let i = 0; i < 3; i++) {
      expect(leader.tick().map(({ type }) => type)).toEqual([MessageType.Heartbeat]);
      leader.hear({ type: MessageType.HeartbeatResp });
      expect(indexes(leader.appends())).toEqual([[3]]);
      expect(leader.progress.paused).toBe(true);
    }
    leader.hear({ type: MessageType.AppResp, index: 3 });
    expect(leader.progress).toMatchObject({ state: ProgressState.Replicate, match: 3 });
    expect(indexes(leader.appends())).toEqual([[4], [5]]);
  });

  it("pipelines once the logs are known to match, and counts on what it sent", () => {
    const leader = new Leader();
    expect(leader.progress).toMatchObject({ state: ProgressState.Replicate, match: 2, next: 3 });
    expect(indexes(leader.propose("a", "b", "c"))).toEqual([[3], [4], [5]]);
    expect(leader.progress).toMatchObject({ match: 2, next: 6, inflight: 3 });
  });

  it("probes from where it matched when an append in flight was refused or unreachable", () => {
    for (const lost of ["refused", "unreachable"]) {
      const leader = new Leader();
      leader.propose("a", "b");
      if (lost === "refused")
        leader.hear({ type: MessageType.AppResp, index: 4, reject: true, rejectHint: 2 });
      else leader.group.node(1).reportUnreachable(2);
      expect(leader.progress).toMatchObject({ state: ProgressState.Probe, match: 2, next: 3 });
    }
  });

  it("ignores refusals of what has matched since, and probes that are past", () => {
    const leader = new Leader();
    leader.propose("a", "b");
    leader.hear({ type: MessageType.AppResp, index: 4 });
    const before = leader.progress;
    leader.hear({ type: MessageType.AppResp, index: 3, reject: true, rejectHint: 0 });
    expect(leader.progress).toEqual(before);
    leader.group.node(1).reportUnreachable(2);
    leader.hear({ type: MessageType.AppResp, index: 9, reject: true, rejectHint: 0 });
    expect(leader.progress).toMatchObject({ state: ProgressState.Probe, next: 5 });
  });

  it("fills its window and no more; any acknowledgement in it moves it on, an old one does not", () => {
    const leader = new Leader({ maxInflightMsgs: 3 });
    expect(leader.propose("a", "b", "c")).toHaveLength(3);
    expect(leader.progress).toMatchObject({ inflight: 3, inflightFull: true, paused: true });
    expect(leader.propose("d")).toEqual([]);
    leader.hear({ type: MessageType.AppResp, index: 4 });
    expect(leader.progress).toMatchObject({ match: 4, inflight: 2 });
    expect(indexes(leader.appends()).flat()).toEqual([6]);
    leader.propose("e");
    const full = leader.progress;
    leader.hear({ type: MessageType.AppResp, index: 3 });
    expect(leader.progress).toEqual(full);
    expect(leader.appends()).toEqual([]);
  });

  it("sends one empty append for each heartbeat that is answered while the window is full", () => {
    const leader = new Leader({ maxInflightMsgs: 2 });
    leader.propose("a", "b", "c");
    for (let i = 0; i < 3; i++) {
      leader.hear({ type: MessageType.HeartbeatResp });
      expect(indexes(leader.appends())).toEqual([[]]);
      leader.propose("d");
      expect(leader.progress.paused).toBe(true);
    }
  });

  it("tells of a commit at once, also whom it has nothing to send", () => {
    const group = new TestGroup(3);
    group.elect(1);
    group.delivered.length = 0;
    group.propose(1, "a");
    const told = group.delivered.filter((m) => m.type === MessageType.App && m.commit === 3);
    expect(new Set(told.map(({ to }) => to))).toEqual(new Set([2, 3]));
    // A late acknowledgement of what is committed meanwhile is answered with the commit.
    expect(group.node(3).status().commit).toBe(3);
  });

  it("heartbeats every heartbeat timeout, with no more of the commit than the member holds", () => {
    const group = new TestGroup(3, { heartbeatTick: 2 });
    group.elect(1);
    group.isolate(3);
    group.propose(1, "a", "b");
    group.node(1).tick();
    expect(group.member(1).work()).toEqual([]);
    group.node(1).tick();
    expect(group.member(1).work()).toMatchObject([
      { type: MessageType.Heartbeat, to: 2, commit: 4, entries: [] },
      { type: MessageType.Heartbeat, to: 3, commit: 2, entries: [] },
    ]);
  });
});

describe("a snapshot on its way", () => {
  const third = (group: TestGroup) => group.node(1).status().progress.get(3)!;

  /** A leader that has just sent a snapshot of index 4 to 3, which holds 2 entries. */
  function sending(): TestGroup {
    const group = new TestGroup(3);
    group.elect(1);
    group.isolate(3);
    group.propose(1, "a", "b");
    group.compact(1);
    group.lose = () => true;
    group.node(1).reportUnreachable(3);
    group.node(1).step(createMessage({ type: MessageType.HeartbeatResp, from: 3, to: 1, term: 1 }));
    expect(group.member(1).work()).toMatchObject([{ type: MessageType.Snap, to: 3 }]);
    return group;
  }

  it("holds all appends back", () => {
    const group = sending();
    expect(third(group)).toMatchObject({
      state: ProgressState.Snapshot,
      pendingSnapshot: 4,
      next: 5,
    });
    group.node(1).propose(text("c"));
    expect(
      group
        .member(1)
        .work()
        .filter(({ to }) => to === 3),
    ).toEqual([]);
  });

  it.each([
    { ok: true, next: 5 },
    { ok: false, next: 3 },
  ])("when reported ($ok) is probed from $next on, after the next answer", ({ ok, next }) => {
    const group = sending();
    group.node(1).reportSnapshot(3, ok);
    expect(third(group)).toMatchObject({
      state: ProgressState.Probe,
      pendingSnapshot: 0,
      next,
      paused: true,
    });
  });

  it("ends with an acknowledgement from which the log goes on, from whatever snapshot", () => {
    const group = sending();
    const ack = { type: MessageType.AppResp, from: 3, to: 1, term: 1 } as const;
    group.node(1).step(createMessage({ ...ack, index: 3 }));
    expect(third(group).state).toBe(ProgressState.Snapshot);
    group.node(1).step(createMessage({ ...ack, index: 4 }));
    expect(third(group)).toMatchObject({ state: ProgressState.Replicate, match: 4, next: 5 });
  });

  it("is not sent to a member that was not heard of", () => {
    const group = new TestGroup(3, { checkQuorum: true });
    group.elect(1);
    group.isolate(3);
    group.propose(1, "a");
    group.ticks(1, 25);
    group.compact(1);
    group.delivered.length = 0;
    group.heal();
    group.lose = ({ from }) => from === 3;
    group.node(1).reportUnreachable(3);
    group.propose(1, "b");
    expect(group.count(MessageType.Snap)).toBe(0);
    expect(group.node(1).status().progress.get(3)?.state).toBe(ProgressState.Probe);
  });
});
