import { RaftError } from "../errors.js";
import type { Raft } from "../raft.js";
import { handleAppend, handleHeartbeat, handleSnapshot } from "../replication/receive.js";
import { type Message, MessageType, NONE } from "../types.js";
import { CampaignType, startElection } from "./election.js";

/** What a follower does with a message of its term. */
export function stepFollower(raft: Raft, m: Message): void {
  switch (m.type) {
    case MessageType.Prop:
      forwardProposal(raft, m);
      return;
    case MessageType.App:
      heardFrom(raft, m);
      handleAppend(raft, m);
      return;
    case MessageType.Heartbeat:
      heardFrom(raft, m);
      handleHeartbeat(raft, m);
      return;
    case MessageType.Snap:
      heardFrom(raft, m);
      handleSnapshot(raft, m);
      return;
    case MessageType.TransferLeader:
    case MessageType.ReadIndex:
      forward(raft, m);
      return;
    case MessageType.ForgetLeader:
      // A lease is this member's promise not to elect another.
      if (raft.config.readOnly === "safe") raft.lead = NONE;
      return;
    case MessageType.TimeoutNow:
      // No partition is behind this election, so it needs no pre-vote.
      startElection(raft, CampaignType.Transfer);
      return;
    case MessageType.ReadIndexResp: {
      const context = m.entries[0]?.data;
      if (context !== undefined && m.entries.length === 1) {
        raft.readStates.push({ index: m.index, context });
      }
      return;
    }
    default:
  }
}

function heardFrom(raft: Raft, m: Message): void {
  raft.electionElapsed = 0;
  raft.promise();
  raft.lead = m.from;
}

function forwardProposal(raft: Raft, m: Message): void {
  if (raft.lead === NONE) {
    throw new RaftError("proposal-dropped", "proposal dropped: there is no leader");
  }
  if (raft.config.disableProposalForwarding || raft.lead === raft.id) {
    throw new RaftError("proposal-dropped", `proposal dropped: member ${raft.lead} leads`);
  }
  forward(raft, m);
}

function forward(raft: Raft, m: Message): void {
  // A member that got a snapshot of its own follows itself.
  if (raft.lead !== NONE && raft.lead !== raft.id) raft.send({ ...m, to: raft.lead, term: 0 });
}
