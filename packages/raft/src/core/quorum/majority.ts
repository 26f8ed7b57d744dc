import type { NodeId } from "../types.js";

/** How an election stands. */
export const VoteResult = { Pending: 1, Lost: 2, Won: 3 } as const;
export type VoteResult = (typeof VoteResult)[keyof typeof VoteResult];

/** Reused by {@link majorityIndex}, which never runs twice at once: the core is synchronous. */
const scratch: number[] = [];

/**
 * The highest index that a majority of `voters` has acknowledged; `acked` gives 0 for a voter
 * that has acknowledged nothing. Without voters everything is (infinity), so that the empty half
 * of a joint quorum never holds the other back.
 */
export function majorityIndex(voters: readonly NodeId[], acked: (id: NodeId) => number): number {
  const count = voters.length;
  if (count === 0) return Number.POSITIVE_INFINITY;
  if (count === 1) return acked(voters[0]!);
  // Insertion sort: groups have few voters, and this runs for every acknowledgement.
  for (let i = 0; i < count; i++) {
    const index = acked(voters[i]!);
    let j = i;
    while (j > 0 && scratch[j - 1]! > index) {
      scratch[j] = scratch[j - 1]!;
      j--;
    }
    scratch[j] = index;
  }
  return scratch[count - (Math.floor(count / 2) + 1)]!;
}

/** What the votes so far decide among `voters`. An election without voters is won, by convention. */
export function majorityVote(
  voters: readonly NodeId[],
  votes: ReadonlyMap<NodeId, boolean>,
): VoteResult {
  if (voters.length === 0) return VoteResult.Won;
  let granted = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  const quorum = Math.floor(voters.length / 2) + 1;
  if (granted >= quorum) return VoteResult.Won;
  return granted + missing >= quorum ? VoteResult.Pending : VoteResult.Lost;
}
