import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ConfChangeTransition,
  createMessage,
  EntryType,
  emptyMessage,
  encodeConfChange,
  type Message,
  MessageType,
  RaftError,
  type RaftErrorCode,
} from "../../src/index.js";
import { TestGroup, type TestMember, text } from "./group.js";

const small = fc.integer({ min: 0, max: 8 });
const count = fc.oneof(
  { weight: 12, arbitrary: small },
  fc.constantFrom(-1, 0.5, Number.NaN, 2 ** 52, 2 ** 53, Number.POSITIVE_INFINITY),
);
const member = fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 5 }) }, fc.constant(-7));
const ids = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 });

const data = fc.oneof(
  fc.uint8Array({ maxLength: 6 }),
  fc
    .array(fc.record({ type: fc.constantFrom(0, 1, 2, 3), nodeId: small }), { maxLength: 2 })
    .map((changes) =>
      encodeConfChange({
        transition: ConfChangeTransition.Auto,
        changes: changes as never,
        context: text(""),
      }),
    ),
);

const entry = fc.record({ term: count, index: count, type: fc.constantFrom(0, 0, 1, 2, 9), data });

const snapshot = fc.record({
  metadata: fc.record({
    index: count,
    term: count,
    confState: fc.record({
      voters: ids,
      learners: ids,
      votersOutgoing: fc.oneof(fc.constant([]), ids),
      learnersNext: fc.oneof(fc.constant([]), ids),
      autoLeave: fc.boolean(),
    }),
  }),
  data: fc.uint8Array({ maxLength: 4 }),
});

/** What any program that speaks the wire's format could send. */
const message = fc
  .record({
    type: fc.integer({ min: 0, max: 24 }),
    from: member,
    to: fc.constant(1),
    term: count,
    logTerm: count,
    index: count,
    entries: fc.array(entry, { maxLength: 3 }),
    follow: fc.boolean(),
    commit: count,
    snapshot: fc.oneof(fc.constant(null), snapshot),
    reject: fc.boolean(),
    rejectHint: count,
    context: fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 9 })),
    priority: count,
  })
  .map(({ follow, ...fields }): Message => {
    // Half of the appends are in order, so that they get further in.
    const entries = follow
      ? fields.entries.map((e, i) => ({ ...e, index: fields.index + i + 1, term: fields.term }))
      : fields.entries;
    return { ...emptyMessage, ...fields, entries } as Message;
  });

const EXPECTED: readonly RaftErrorCode[] = [
  "diverged",
  "invalid-config",
  "invalid-message",
  "proposal-dropped",
  "step-local-message",
  "step-peer-not-found",
];

/** Member 1 of three, in one of its roles, with a few entries. */
function memberIn(role: string): TestMember {
  const group = new TestGroup(3, { preVote: role !== "candidate", checkQuorum: role === "leader" });
  if (role === "leader" || role === "follower") {
    group.elect(role === "leader" ? 1 : 2);
    group.node(role === "leader" ? 1 : 2).propose(text("a"));
    group.settle();
  } else {
    group.node(1).campaign();
  }
  return group.member(1);
}

function committedEntries({ storage, node }: TestMember): string[] {
  const { commit } = node.status();
  const low = storage.firstIndex();
  const last = Math.min(commit, storage.lastIndex());
  return storage
    .entries(low, Math.max(low, last + 1), Number.POSITIVE_INFINITY)
    .map(({ index, term }) => `${index}/${term}`);
}

describe("hostile messages", () => {
  it.each(["follower", "pre-candidate", "candidate", "leader"])(
    "end in a RaftError or in nothing worse, for a %s",
    (role) => {
      fc.assert(
        fc.property(fc.array(message, { minLength: 1, maxLength: 6 }), (messages) => {
          const victim = memberIn(role);
          for (const m of messages) {
            const before = victim.node.status();
            const held = committedEntries(victim);
            try {
              victim.node.step(m);
              victim.node.tick();
              victim.work();
            } catch (error) {
              if (!RaftError.is(error)) throw error;
              expect(EXPECTED).toContain(error.code);
            }
            const after = victim.node.status();
            expect(after.term).toBeGreaterThanOrEqual(before.term);
            expect(after.commit).toBeGreaterThanOrEqual(before.commit);
            expect(after.commit).toBeLessThanOrEqual(after.lastIndex);
            expect(after.applied).toBeLessThanOrEqual(after.commit);
            if (after.firstIndex === before.firstIndex) {
              expect(committedEntries(victim).slice(0, held.length)).toEqual(held);
            }
          }
        }),
        { numRuns: 150 },
      );
    },
  );

  const append = { type: MessageType.App, from: 2, to: 1, term: 1, index: 3, logTerm: 1 } as const;
  const e = (index: number, term = 1) => ({ term, index, type: EntryType.Normal, data: text("") });
  const confState = {
    voters: [1, 2],
    learners: [2],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  const bad = { metadata: { index: 9, term: 1, confState }, data: text("") };

  it.each<[string, RaftErrorCode, Partial<Message>]>([
    ["a commit beyond the log", "diverged", { type: MessageType.Heartbeat, commit: 9 }],
    ["a gap among entries", "invalid-message", { entries: [e(4), e(6)] }],
    ["entries that do not follow", "invalid-message", { entries: [e(5)] }],
    ["a term that falls", "invalid-message", { term: 3, entries: [e(4, 2), e(5, 1)] }],
    ["an entry from a later term", "invalid-message", { entries: [e(4, 2)] }],
    [
      "an entry of an unknown type",
      "invalid-message",
      { entries: [{ ...e(4), type: 7 as never }] },
    ],
    ["no term", "invalid-message", { term: 0 }],
    ["a term beyond all bounds", "invalid-message", { term: 2 ** 53 }],
    ["a fraction", "invalid-message", { index: 1.5 }],
    ["its own name", "invalid-message", { from: 1 }],
    ["a snapshot without one", "invalid-message", { type: MessageType.Snap }],
    ["a snapshot of nonsense", "invalid-message", { type: MessageType.Snap, snapshot: bad }],
    ["an empty proposal", "invalid-message", { type: MessageType.Prop }],
    ["an unknown type", "invalid-message", { type: 77 as never }],
    ["a storage thread's name", "step-local-message", { type: MessageType.Hup, from: -1 }],
  ])("refuses %s", (_, code, fields) => {
    const victim = memberIn("follower");
    const before = victim.node.status();
    let caught: unknown;
    try {
      victim.node.step(createMessage({ ...append, ...fields }));
    } catch (error) {
      caught = error;
    }
    expect(RaftError.is(caught) && caught.code).toBe(code);
    expect(victim.node.status()).toEqual(before);
  });

  it("refuses an acknowledgement of what the leader does not have", () => {
    const victim = memberIn("leader");
    const ack = { type: MessageType.AppResp, from: 2, to: 1, term: 1, index: 99 } as const;
    expect(() => victim.node.step(createMessage(ack))).toThrow(/acknowledges entry 99/);
  });

  it("refuses a proposed configuration change that cannot be read, and takes the next", () => {
    const victim = memberIn("leader");
    const garbage = { ...e(0, 0), type: EntryType.ConfChangeV2, data: text("\xff") };
    const proposal = { type: MessageType.Prop, from: 2, to: 1, entries: [garbage] } as const;
    expect(() => victim.node.step(createMessage(proposal))).toThrow(/malformed/);
    victim.node.proposeConfChange({
      transition: 0,
      changes: [{ type: 3, nodeId: 4 }],
      context: text(""),
    });
    expect(victim.node.ready().entries).toMatchObject([{ type: EntryType.ConfChangeV2 }]);
  });
});
