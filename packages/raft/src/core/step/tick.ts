import type { Raft } from "../raft.js";
import { renewLease } from "../reads/reads.js";
import { broadcastHeartbeat } from "../replication/send.js";
import { NONE, Role } from "../types.js";
import { CampaignType, startElection } from "./election.js";

/** One tick of the clock. */
export function tick(raft: Raft): void {
  if (raft.promisedTicks > 0) raft.promisedTicks--;
  if (raft.role === Role.Leader) tickLeader(raft);
  else tickElection(raft);
}

function tickElection(raft: Raft): void {
  raft.electionElapsed++;
  if (raft.electionElapsed < raft.randomizedElectionTimeout || !raft.promotable) return;
  raft.electionElapsed = 0;
  hup(raft);
}

/** Stands for election the way the configuration says. */
export function hup(raft: Raft): void {
  if (raft.promisedTicks > 0) return;
  startElection(raft, raft.config.preVote ? CampaignType.PreElection : CampaignType.Election);
}

function tickLeader(raft: Raft): void {
  raft.lease.tick();
  raft.heartbeatElapsed++;
  raft.electionElapsed++;
  if (raft.electionElapsed >= raft.config.electionTick) {
    raft.electionElapsed = 0;
    if (raft.config.checkQuorum) checkQuorum(raft);
    // A transfer that took an election timeout has failed; this leader takes proposals again.
    if (raft.role === Role.Leader) raft.leadTransferee = NONE;
  }
  if (raft.role !== Role.Leader) return;
  if (raft.heartbeatElapsed >= raft.config.heartbeatTick) {
    raft.heartbeatElapsed = 0;
    renewLease(raft);
    broadcastHeartbeat(raft);
  }
}

/** Steps down when no quorum was heard from since the last check, and begins the next one. */
export function checkQuorum(raft: Raft): void {
  if (!raft.tracker.quorumActive()) raft.becomeFollower(raft.term, NONE);
  for (const id of raft.tracker.ids) {
    if (id !== raft.id) raft.tracker.get(id)!.recentActive = false;
  }
}
