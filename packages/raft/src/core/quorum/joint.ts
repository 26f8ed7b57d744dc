import type { NodeId } from "../types.js";
import { majorityIndex, majorityVote, VoteResult } from "./majority.js";

/** The highest index acknowledged by a majority of both halves (raft paper, section 6). */
export function jointIndex(
  incoming: readonly NodeId[],
  outgoing: readonly NodeId[],
  acked: (id: NodeId) => number,
): number {
  return Math.min(majorityIndex(incoming, acked), majorityIndex(outgoing, acked));
}

/** Won when both halves are won, lost when one is lost. */
export function jointVote(
  incoming: readonly NodeId[],
  outgoing: readonly NodeId[],
  votes: ReadonlyMap<NodeId, boolean>,
): VoteResult {
  const first = majorityVote(incoming, votes);
  const second = majorityVote(outgoing, votes);
  if (first === second) return first;
  if (first === VoteResult.Lost || second === VoteResult.Lost) return VoteResult.Lost;
  return VoteResult.Pending;
}
