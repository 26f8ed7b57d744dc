import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jointIndex, jointVote } from "../../src/core/quorum/joint.js";
import { majorityIndex, majorityVote, VoteResult } from "../../src/core/quorum/majority.js";
import type { NodeId } from "../../src/index.js";

const voters = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 9 });
const acked = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 13, maxLength: 13 });
const votes = fc.array(fc.constantFrom(true, false, undefined), { minLength: 13, maxLength: 13 });

/** All ways to choose a majority. */
function majorities(ids: readonly NodeId[]): NodeId[][] {
  const need = Math.floor(ids.length / 2) + 1;
  const subsets: NodeId[][] = [[]];
  for (const id of ids) subsets.push(...subsets.map((subset) => [...subset, id]));
  return subsets.filter((subset) => subset.length >= need);
}

/** By definition: the highest index that all of some majority have. No voters agree to anything. */
function slowIndex(ids: readonly NodeId[], of: (id: NodeId) => number): number {
  if (ids.length === 0) return Number.POSITIVE_INFINITY;
  return Math.max(...majorities(ids).map((majority) => Math.min(...majority.map(of))));
}

/** By definition: won when some majority said yes, lost when none can any more. */
function slowVote(ids: readonly NodeId[], of: (id: NodeId) => boolean | undefined): VoteResult {
  if (ids.length === 0) return VoteResult.Won;
  const all = majorities(ids);
  if (all.some((majority) => majority.every((id) => of(id) === true))) return VoteResult.Won;
  const open = all.some((majority) => majority.every((id) => of(id) !== false));
  return open ? VoteResult.Pending : VoteResult.Lost;
}

function voteMap(values: readonly (boolean | undefined)[]): Map<NodeId, boolean> {
  const map = new Map<NodeId, boolean>();
  values.forEach((value, id) => {
    if (value !== undefined) map.set(id, value);
  });
  return map;
}

describe("quorums, against their definition", () => {
  it("commit what some majority has, of one half and of both", () => {
    fc.assert(
      fc.property(voters, voters, acked, (incoming, outgoing, indexes) => {
        const of = (id: NodeId) => indexes[id]!;
        expect(majorityIndex(incoming, of)).toBe(slowIndex(incoming, of));
        const both = Math.min(slowIndex(incoming, of), slowIndex(outgoing, of));
        expect(jointIndex(incoming, outgoing, of)).toBe(both);
        expect(jointIndex(outgoing, incoming, of)).toBe(both);
      }),
      { numRuns: 500 },
    );
  });

  it("elect when some majority says yes, and lose when none can, of one half and of both", () => {
    fc.assert(
      fc.property(voters, voters, votes, (incoming, outgoing, values) => {
        const of = (id: NodeId) => values[id];
        const map = voteMap(values);
        const [one, other] = [slowVote(incoming, of), slowVote(outgoing, of)];
        expect(majorityVote(incoming, map)).toBe(one);
        const either = (result: VoteResult) => one === result || other === result;
        const expected = either(VoteResult.Lost)
          ? VoteResult.Lost
          : either(VoteResult.Pending)
            ? VoteResult.Pending
            : VoteResult.Won;
        expect(jointVote(incoming, outgoing, map)).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  it("of the same half twice are that half", () => {
    fc.assert(
      fc.property(voters, acked, (ids, indexes) => {
        const of = (id: NodeId) => indexes[id]!;
        expect(jointIndex(ids, ids, of)).toBe(majorityIndex(ids, of));
        expect(jointIndex(ids, [], of)).toBe(majorityIndex(ids, of));
      }),
    );
  });
});
