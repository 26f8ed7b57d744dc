import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RaftError } from "../errors.js";
import { type ConfChange, ConfChangeTransition, ConfChangeType } from "../types.js";
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

  it("says leaving a joint configuration with no bytes at all", () => {
    const leave: ConfChange = { transition: 0, changes: [], context: new Uint8Array(0) };
    expect(encodeConfChange(leave)).toHaveLength(0);
    expect(decodeConfChange(new Uint8Array(0))).toEqual(leave);
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
