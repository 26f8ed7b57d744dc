import {
  type ConfState,
  decodeConfChange,
  type Entry,
  EntryType,
  MemoryStorage,
  RawNode,
  type Snapshot,
} from "../../index.js";
import { membersOf } from "../group/members.js";
import { decodeChangeContext, Membership } from "../group/membership.js";

/**
 * The members after all of `entries`, which follow the snapshot (or the beginning). For reading
 * alone: the core that makes the configurations takes part in no group.
 */
export function membershipAfter(snapshot: Snapshot | null, entries: readonly Entry[]): Membership {
  const storage = new MemoryStorage();
  const membership = new Membership();
  if (snapshot) {
    storage.applySnapshot(snapshot);
    membership.reset(membersOf(snapshot), snapshot.metadata.confState);
  }
  const applied = snapshot?.metadata.index ?? 0;
  const raw = new RawNode({
    id: 1,
    electionTick: 10,
    heartbeatTick: 1,
    storage,
    applied,
    random: () => 0,
  });
  for (const entry of entries) {
    if (entry.type === EntryType.Normal) continue;
    const change = decodeConfChange(entry.data, entry.type);
    const confState: ConfState = raw.applyConfChange(change, entry.index);
    membership.apply(change, decodeChangeContext(change.context).members, confState);
  }
  return membership;
}
