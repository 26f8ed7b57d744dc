import { type ConfChange, ConfChangeType, type ConfState, type NodeId } from "../../index.js";
import { asArray, asNumber, fromCbor, toCbor } from "../transport/cbor.js";
import type { Member } from "../types.js";
import { memberFields, memberFromFields } from "./members.js";
import type { ProposalId } from "./proposals.js";

/** What a membership change carries beside the core's own part: who waits for it, and the members' data. */
export function encodeChangeContext(id: ProposalId | null, members: readonly Member[]): Uint8Array {
  const origin = id ? [id.origin, id.epoch, id.sequence] : null;
  return toCbor([1, origin, members.map(memberFields)]);
}

export function decodeChangeContext(bytes: Uint8Array): {
  id: ProposalId | null;
  members: Member[];
} {
  if (bytes.length === 0) return { id: null, members: [] };
  const [, origin, members] = asArray(fromCbor(bytes), 3, "membership change");
  return {
    id: origin === null ? null : proposalId(origin),
    members: asArray(members, 0, "members").map(memberFromFields),
  };
}

function proposalId(fields: unknown): ProposalId {
  const [origin, epoch, sequence] = asArray(fields, 3, "proposal id");
  return {
    origin: asNumber(origin, "origin"),
    epoch: asNumber(epoch, "epoch"),
    sequence: asNumber(sequence, "sequence"),
  };
}

/** The members with their addresses, kept in step with the core's configuration. */
export class Membership {
  readonly #members: Map<NodeId, Member> = new Map();
  #confState: ConfState = {
    voters: [],
    learners: [],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };

  get confState(): ConfState {
    return this.#confState;
  }

  get(id: NodeId): Member | undefined {
    return this.#members.get(id);
  }

  /** All members, by ID. */
  list(): Member[] {
    return [...this.#members.values()].sort((a, b) => a.id - b.id);
  }

  /** Replaces all, from a snapshot. */
  reset(members: readonly Member[], confState: ConfState): void {
    this.#members.clear();
    for (const member of members) this.#members.set(member.id, member);
    this.#confState = confState;
  }

  /** A committed change; `confState` is what the core made of it. */
  apply(change: ConfChange, given: readonly Member[], confState: ConfState): void {
    this.#confState = confState;
    for (const { type, nodeId } of change.changes) {
      const data = given.find((member) => member.id === nodeId) ?? this.#members.get(nodeId);
      if (type !== ConfChangeType.RemoveNode && data) this.#members.set(nodeId, data);
    }
    const { voters, votersOutgoing } = confState;
    const learners = new Set([...confState.learners, ...confState.learnersNext]);
    // Who goes still votes as long as both configurations count.
    const all = new Set([...voters, ...votersOutgoing, ...learners]);
    for (const member of [...this.#members.values()]) {
      const learner = learners.has(member.id);
      if (!all.has(member.id)) this.#members.delete(member.id);
      else if (member.learner !== learner) this.#members.set(member.id, { ...member, learner });
    }
  }
}
