import { RaftError } from "../errors.js";
import { VoteResult } from "../quorum/majority.js";
import type { Raft } from "../raft.js";
import { handleAppend, handleHeartbeat, handleSnapshot } from "../replication/receive.js";
import { broadcastAppend } from "../replication/send.js";
import { type Message, MessageType, NONE, Role } from "../types.js";
import { CampaignType, campaign } from "./election.js";

/** What candidates and pre-candidates do with a message of their term. */
export function stepCandidate(raft: Raft, m: Message): void {
  switch (m.type) {
    case MessageType.Prop:
      throw new RaftError("proposal-dropped", "proposal dropped: there is no leader");
    case MessageType.App:
      follow(raft, m);
      handleAppend(raft, m);
      return;
    case MessageType.Heartbeat:
      follow(raft, m);
      handleHeartbeat(raft, m);
      return;
    case MessageType.Snap:
      if (m.term === 0)
        throw new RaftError("invalid-message", `a snapshot of ${m.from} has no term`);
      follow(raft, m);
      handleSnapshot(raft, m);
      return;
    case MessageType.VoteResp:
      if (raft.role === Role.Candidate) countVote(raft, m);
      return;
    case MessageType.PreVoteResp:
      if (raft.role === Role.PreCandidate) countVote(raft, m);
      return;
    default:
  }
}

function follow(raft: Raft, m: Message): void {
  raft.becomeFollower(m.term, m.from);
  raft.promise();
}

function countVote(raft: Raft, m: Message): void {
  raft.tracker.recordVote(m.from, !m.reject);
  switch (raft.tracker.voteResult()) {
    case VoteResult.Won:
      if (raft.role === Role.PreCandidate) {
        campaign(raft, CampaignType.Election);
      } else {
        raft.becomeLeader();
        broadcastAppend(raft);
      }
      return;
    case VoteResult.Lost:
      raft.becomeFollower(raft.term, NONE);
      return;
    default:
  }
}
