import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RaftError } from "../errors.js";
import { type ConfChange, ConfChangeTransition, ConfChangeType, EntryType } from "../types.js";
import { decodeConfChange, encodeConfChange } from "./codec.js";

const single = fc.record({
  type: fc.constantFrom(...Object.values(ConfChangeType)),
  nodeId: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
});
const changes: fc.Arbitrary<ConfChange> = fc.record({
  transition: fc.constantFrom(...Object.values(ConfChangeTransition)),
  changes: fc.array(single, { maxLength: 5 }),
  context: fc.uint8Array({ maxLength: 300 }),
});

describe("the codec of configuration changes", () => {
  it("gives back what it was given", () => {
    fc.assert(
      fc.property(changes, (change) => {
        expect(decodeConfChange(encodeConfChange(change))).toEqual(change);
      }),
    );
  });

  it("writes protobuf's bytes of raftpb.ConfChangeV2", () => {
    const change: ConfChange = {
      transition: ConfChangeTransition.JointExplicit,
      changes: [{ type: ConfChangeType.AddLearnerNode, nodeId: 300 }],
      context: Uint8Array.of(9),
    };
    expect([...encodeConfChange(change)]).toEqual([8, 2, 18, 5, 8, 3, 16, 172, 2, 26, 1, 9]);
  });

  it("writes zeros as well, as etcd's raft does, so that sizes are equal", () => {
    const add: ConfChange = {
      transition: ConfChangeTransition.Auto,
      changes: [{ type: ConfChangeType.AddNode, nodeId: 3 }],
      context: new Uint8Array(0),
    };
    expect([...encodeConfChange(add)]).toEqual([8, 0, 18, 4, 8, 0, 16, 3]);
  });

  it("reads no bytes at all as leaving a joint configuration", () => {
    const leave: ConfChange = { transition: 0, changes: [], context: new Uint8Array(0) };
    expect([...encodeConfChange(leave)]).toEqual([8, 0]);
    expect(decodeConfChange(new Uint8Array(0))).toEqual(leave);
  });

  it("writes and reads raftpb.ConfChange for entries of the older kind", () => {
    const { ConfChange } = EntryType;
    const change = {
      transition: ConfChangeTransition.Auto,
      changes: [{ type: ConfChangeType.RemoveNode, nodeId: 2 }],
      context: Uint8Array.of(9),
    };
    const bytes = encodeConfChange(change, ConfChange);
    expect([...bytes]).toEqual([16, 1, 24, 2, 34, 1, 9]);
    expect(decodeConfChange(bytes, ConfChange)).toEqual(change);
    // With the ID that etcd puts into it.
    expect(decodeConfChange(Uint8Array.of(8, 7, ...bytes), ConfChange)).toEqual(change);
    const two = { ...change, changes: [...change.changes, ...change.changes] };
    for (const wrong of [two, { ...change, changes: [] }, { ...change, transition: 1 as const }]) {
      expect(() => encodeConfChange(wrong, ConfChange)).toThrow(/older kind/);
    }
  });

  it("skips fields that it does not know", () => {
    const bytes = Uint8Array.of(
      8,
      1,
      40,
      150,
      1,
      50,
      2,
      1,
      2,
      61,
      1,
      2,
      3,
      4,
      65,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
    );
    expect(decodeConfChange(bytes)).toMatchObject({ transition: 1, changes: [] });
  });

  it("throws an invalid-config, and nothing else, on any other bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          decodeConfChange(bytes);
        } catch (error) {
          expect(RaftError.is(error) && error.code).toBe("invalid-config");
        }
      }),
      { numRuns: 2000 },
    );
    for (const bytes of [[8], [18, 5, 8], [8, 9], [18, 2, 8, 9], [16, 1]]) {
      expect(() => decodeConfChange(Uint8Array.from(bytes))).toThrow(RaftError);
    }
  });
});
