import { draft } from "../message.js";
import type { Raft } from "../raft.js";
import { voterIds } from "../tracker/tracker.js";
import { MessageType, Role } from "../types.js";

/** Why an election is held. */
export const CampaignType = { PreElection: 0, Election: 1, Transfer: 2 } as const;
export type CampaignType = (typeof CampaignType)[keyof typeof CampaignType];

/** Context of the vote requests of a transfer: members grant them although they have a leader. */
export const TRANSFER_CONTEXT: Uint8Array = Uint8Array.from("CampaignTransfer", (char) =>
  char.charCodeAt(0),
);

export function isTransfer(context: Uint8Array | null): boolean {
  if (context === null || context.length !== TRANSFER_CONTEXT.length) return false;
  return context.every((byte, i) => byte === TRANSFER_CONTEXT[i]);
}

/** Starts an election unless this member leads, may not, or has a configuration change to apply first. */
export function startElection(raft: Raft, type: CampaignType): void {
  if (raft.role === Role.Leader || !raft.promotable) return;
  if (raft.log.hasUnappliedConfChange()) return;
  campaign(raft, type);
}

/** Becomes (pre-)candidate and asks every voter, itself included, for its vote. */
export function campaign(raft: Raft, type: CampaignType): void {
  const preVote = type === CampaignType.PreElection;
  if (preVote) raft.becomePreCandidate();
  else raft.becomeCandidate();
  // A pre-vote asks about the term that an election would have.
  const term = preVote ? raft.term + 1 : raft.term;
  for (const id of voterIds(raft.tracker.membership)) {
    if (id === raft.id) {
      // The own vote counts when it is durable, like everybody's.
      const own = draft(preVote ? MessageType.PreVoteResp : MessageType.VoteResp, id);
      own.term = term;
      raft.send(own);
      continue;
    }
    const request = draft(preVote ? MessageType.PreVote : MessageType.Vote, id);
    request.term = term;
    request.index = raft.log.lastIndex();
    request.logTerm = raft.log.lastTerm();
    request.priority = raft.priority;
    if (type === CampaignType.Transfer) request.context = TRANSFER_CONTEXT;
    raft.send(request);
  }
}
