import { describe, expect, it } from "vitest";
import {
  createMessage,
  type Entry,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  MessageType,
  type RaftError,
  Role,
} from "../../src/index.js";
import { TestGroup, text } from "./group.js";

const entry = (index: number, term: number, size = 1): Entry => {
  return { term, index, type: 0, data: new Uint8Array(size) };
};

describe("a restart", () => {
  it("hands out what is committed and not applied, and asks for nothing to be written", () => {
    const member = new TestGroup(3).member(1);
    member.storage.append([entry(2, 1), entry(3, 1), entry(4, 1)]);
    member.storage.setHardState({ term: 1, vote: 2, commit: 3 });
    const ready = member.restart().ready();
    expect(ready).toMatchObject({ hardState: null, entries: [], mustSync: false, messages: [] });
    expect(ready.committedEntries.map(({ index }) => index)).toEqual([2, 3]);
    member.node.advance();
    expect(member.node.hasReady()).toBe(false);
  });

  it("hands out only what comes after the applied index", () => {
    const member = new TestGroup(3).member(1);
    member.storage.append([entry(2, 1), entry(3, 1)]);
    member.storage.setHardState({ term: 1, vote: 0, commit: 3 });
    const { committedEntries } = member.restart({ applied: 2 }).ready();
    expect(committedEntries.map(({ index }) => index)).toEqual([3]);
  });

  it("pages through what is committed without losing any of it", () => {
    const member = new TestGroup(1).member(1);
    for (let index = 2; index <= 12; index++) member.storage.append([entry(index, 1, 50)]);
    member.storage.setHardState({ term: 1, vote: 1, commit: 11 });
    member.restart({ maxSizePerMsg: 150, maxCommittedSizePerReady: 150 });
    member.node.campaign();
    member.work();
    expect(member.applied.map(({ index }) => index)).toEqual([
      2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
    ]);
  });

  it("refuses a log that ends before what is committed", () => {
    const member = new TestGroup(1).member(1);
    member.storage.setHardState({ term: 1, vote: 1, commit: 9 });
    expect(() => member.restart()).toThrow(
      expect.objectContaining({ code: "corrupt" } satisfies Partial<RaftError>),
    );
  });
});

describe("asynchronous storage writes", () => {
  it("order work for two threads, and count it when the responses come", () => {
    const group = new TestGroup(1, { asyncStorageWrites: true });
    const { node, storage } = group.member(1);
    node.campaign();
    const vote = node.ready();
    expect(vote.messages).toMatchObject([
      { to: LOCAL_APPEND_THREAD, term: 1, vote: 1, responses: [{ type: MessageType.VoteResp }] },
    ]);
    // Nothing is owed before another thing happens: no advance.
    expect(node.hasReady()).toBe(false);
    storage.setHardState({ term: 1, vote: 1, commit: 1 });
    for (const response of vote.messages[0]!.responses) node.step(response);
    expect(node.status().role).toBe(Role.Leader);
    node.propose(text("x"));
    const write = node.ready();
    expect(write.committedEntries).toEqual([]);
    storage.append(write.entries);
    for (const response of write.messages[0]!.responses) node.step(response);
    const apply = node.ready();
    const [order] = apply.messages.filter(({ to }) => to === LOCAL_APPLY_THREAD);
    expect(order?.entries.map(({ index }) => index)).toEqual([2, 3]);
    expect(node.status()).toMatchObject({ commit: 3, applied: 1 });
    for (const response of order!.responses) node.step(response);
    expect(node.status().applied).toBe(3);
    expect(() => node.advance()).toThrow(/asyncStorageWrites/);
  });

  it("ignore an acknowledgement of a term that is over", () => {
    const group = new TestGroup(3, { asyncStorageWrites: true });
    const { node, storage } = group.member(1);
    const append = (term: number, from: number) => {
      const fields = { type: MessageType.App, to: 1, from, term, index: 1, logTerm: 1 } as const;
      node.step(createMessage({ ...fields, entries: [entry(2, term)] }));
    };
    append(1, 2);
    const old = node.ready().messages[0]!.responses;
    append(2, 3);
    const newer = node.ready();
    for (const response of old) if (response.to === 1) node.step(response);
    // Entry 2 of term 2 is not known to be durable: it is still read from memory.
    storage.append([entry(2, 1)]);
    expect(node.logTerm(2)).toBe(2);
    storage.append(newer.entries);
    for (const response of newer.messages[0]!.responses) if (response.to === 1) node.step(response);
    expect(node.logTerm(2)).toBe(2);
  });
});
