import type { ConfState, Snapshot } from "../../index.js";
import {
  asArray,
  asBoolean,
  asBytes,
  asNumber,
  asString,
  fromCbor,
  toCbor,
} from "../transport/cbor.js";
import type { Member } from "../types.js";

/** A member as it stands in the log and in snapshots: fields are only ever appended. */
export function memberFields(member: Member): unknown[] {
  return [member.id, member.address, member.context, member.learner];
}

/** Copies the bytes it keeps. */
export function memberFromFields(fields: unknown): Member {
  const [id, address, context, learner] = asArray(fields, 4, "member");
  return {
    id: asNumber(id, "member id"),
    address: asString(address, "member address"),
    context: Uint8Array.from(asBytes(context, "member context")),
    learner: asBoolean(learner, "member learner"),
  };
}

/** What a snapshot's `data` holds in the core: the members; the state itself is in its file. */
export function encodeMembers(members: Iterable<Member>): Uint8Array {
  return toCbor([1, [...members].map(memberFields)]);
}

export function membersOf(snapshot: Snapshot): Member[] {
  const [, members] = asArray(fromCbor(snapshot.data), 2, "snapshot data");
  return asArray(members, 0, "members").map(memberFromFields);
}

export function confStateFields(state: ConfState): unknown[] {
  const { voters, learners, votersOutgoing, learnersNext, autoLeave } = state;
  return [voters, learners, votersOutgoing, learnersNext, autoLeave];
}

export function confStateFromFields(fields: unknown): ConfState {
  const [voters, learners, votersOutgoing, learnersNext, autoLeave] = asArray(fields, 5, "members");
  const ids = (list: unknown): number[] => asArray(list, 0, "ids").map((id) => asNumber(id, "id"));
  return {
    voters: ids(voters),
    learners: ids(learners),
    votersOutgoing: ids(votersOutgoing),
    learnersNext: ids(learnersNext),
    autoLeave: asBoolean(autoLeave, "autoLeave"),
  };
}
