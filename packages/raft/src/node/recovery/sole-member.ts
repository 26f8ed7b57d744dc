import {
  ConfChangeTransition,
  ConfChangeType,
  type Entry,
  EntryType,
  encodeConfChange,
  type NodeId,
} from "../../index.js";
import { encodeChangeContext, type Membership } from "../group/membership.js";
import type { Member } from "../types.js";

/**
 * The entries after which `id` is the only member: those that leave a joint configuration, make it
 * a voter where it was a learner or no member any more, and remove all others, one at a time.
 */
export function soleMemberEntries(
  membership: Membership,
  id: NodeId,
  at: { readonly index: number; readonly term: number },
): { readonly entries: readonly Entry[]; readonly removed: readonly Member[] } {
  const { voters, learners, votersOutgoing, learnersNext } = membership.confState;
  const changes: { type: ConfChangeType; nodeId: NodeId }[][] = [];
  if (votersOutgoing.length > 0) changes.push([]);
  if (!voters.includes(id)) changes.push([{ type: ConfChangeType.AddNode, nodeId: id }]);
  const others = [...new Set([...voters, ...learners, ...learnersNext])].filter(
    (one) => one !== id,
  );
  for (const nodeId of others) changes.push([{ type: ConfChangeType.RemoveNode, nodeId }]);
  const known = membership.get(id) ?? { id, address: "", context: new Uint8Array(0) };
  const context = encodeChangeContext(null, [{ ...known, learner: false }]);
  const entries = changes.map((singles, n): Entry => {
    const data = encodeConfChange({
      transition: ConfChangeTransition.Auto,
      changes: singles,
      context: singles.some(({ nodeId }) => nodeId === id) ? context : new Uint8Array(0),
    });
    return { index: at.index + n, term: at.term, type: EntryType.ConfChangeV2, data };
  });
  const removed = membership.list().filter((member) => member.id !== id);
  return { entries, removed };
}
