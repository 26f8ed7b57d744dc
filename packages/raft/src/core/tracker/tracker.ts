import { jointIndex, jointVote } from "../quorum/joint.js";
import { VoteResult } from "../quorum/majority.js";
import type { ConfState, NodeId } from "../types.js";
import type { Progress } from "./progress.js";

/** All members by ID, and who of them decides. Lists are sorted and never changed in place. */
export interface Membership {
  /** The voters; in a joint configuration those that will remain. */
  readonly incoming: readonly NodeId[];
  /** The voters being replaced; non-empty only in a joint configuration. */
  readonly outgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** Voters of `outgoing` that become learners when the joint configuration is left. */
  readonly learnersNext: readonly NodeId[];
  readonly autoLeave: boolean;
}

export const EMPTY_MEMBERSHIP: Membership = Object.freeze({
  incoming: [],
  outgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
});

/** The voters of both halves, sorted. */
export function voterIds(membership: Membership): NodeId[] {
  const ids = new Set([...membership.incoming, ...membership.outgoing]);
  return [...ids].sort((a, b) => a - b);
}

/** A membership as snapshots and storage hold it. */
export function confStateOf(membership: Membership): ConfState {
  const { incoming, outgoing, learners, learnersNext, autoLeave } = membership;
  return { voters: incoming, learners, votersOutgoing: outgoing, learnersNext, autoLeave };
}

/** The active configuration with the progress of each member, and the votes of an election. */
export class Tracker {
  #membership: Membership = EMPTY_MEMBERSHIP;
  #progress: ReadonlyMap<NodeId, Progress> = new Map();
  #ids: readonly NodeId[] = [];
  readonly votes: Map<NodeId, boolean> = new Map();

  get membership(): Membership {
    return this.#membership;
  }

  get progress(): ReadonlyMap<NodeId, Progress> {
    return this.#progress;
  }

  /** Every member's ID in ascending order: the order in which messages are sent. */
  get ids(): readonly NodeId[] {
    return this.#ids;
  }

  get(id: NodeId): Progress | undefined {
    return this.#progress.get(id);
  }

  switchTo(membership: Membership, progress: ReadonlyMap<NodeId, Progress>): void {
    this.#membership = membership;
    this.#progress = progress;
    this.#ids = [...progress.keys()].sort((a, b) => a - b);
  }

  confState(): ConfState {
    return confStateOf(this.#membership);
  }

  get joint(): boolean {
    return this.#membership.outgoing.length > 0;
  }

  /** True when there is one voter, so that the leader needs nobody's agreement. */
  get singleton(): boolean {
    return this.#membership.incoming.length === 1 && !this.joint;
  }

  /** The highest index on a quorum of the voters. */
  committed(): number {
    return jointIndex(this.#membership.incoming, this.#membership.outgoing, this.#matchOf);
  }

  readonly #matchOf = (id: NodeId): number => this.#progress.get(id)?.match ?? 0;

  /** True when a quorum of voters was heard from since the last check. */
  quorumActive(): boolean {
    const active = new Map<NodeId, boolean>();
    for (const [id, progress] of this.#progress) {
      if (!progress.isLearner) active.set(id, progress.recentActive);
    }
    return (
      jointVote(this.#membership.incoming, this.#membership.outgoing, active) === VoteResult.Won
    );
  }

  /** Notes a vote; a member's first one counts. */
  recordVote(id: NodeId, granted: boolean): void {
    if (!this.votes.has(id)) this.votes.set(id, granted);
  }

  voteResult(): VoteResult {
    return jointVote(this.#membership.incoming, this.#membership.outgoing, this.votes);
  }
}
