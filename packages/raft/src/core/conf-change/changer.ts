import { RaftError } from "../errors.js";
import { Inflights } from "../tracker/inflights.js";
import { Progress } from "../tracker/progress.js";
import type { Membership } from "../tracker/tracker.js";
import { type ConfChangeSingle, ConfChangeType, type NodeId } from "../types.js";

/** A configuration with the progress of its members. */
export interface Configuration {
  readonly membership: Membership;
  readonly progress: ReadonlyMap<NodeId, Progress>;
}

/** What a new member's progress starts with. */
export interface ProgressDefaults {
  readonly lastIndex: number;
  readonly maxInflightMsgs: number;
  readonly maxInflightBytes: number;
}

interface Draft {
  incoming: Set<NodeId>;
  outgoing: Set<NodeId>;
  learners: Set<NodeId>;
  learnersNext: Set<NodeId>;
  autoLeave: boolean;
  progress: Map<NodeId, Progress>;
}

function refuse(message: string): never {
  throw new RaftError("invalid-config", message);
}

function open(base: Configuration): Draft {
  const { membership } = base;
  const progress = new Map<NodeId, Progress>();
  for (const [id, pr] of base.progress) progress.set(id, pr.clone());
  return {
    incoming: new Set(membership.incoming),
    outgoing: new Set(membership.outgoing),
    learners: new Set(membership.learners),
    learnersNext: new Set(membership.learnersNext),
    autoLeave: membership.autoLeave,
    progress,
  };
}

function sorted(ids: ReadonlySet<NodeId>): NodeId[] {
  return [...ids].sort((a, b) => a - b);
}

function close(draft: Draft): Configuration {
  checkInvariants(draft);
  const membership: Membership = {
    incoming: sorted(draft.incoming),
    outgoing: sorted(draft.outgoing),
    learners: sorted(draft.learners),
    learnersNext: sorted(draft.learnersNext),
    autoLeave: draft.autoLeave,
  };
  return { membership, progress: draft.progress };
}

/**
 * Changes at most one voter at a time (Raft dissertation, section 4.1); learners change freely.
 * Throws `invalid-config` when more would change, no voter would remain, or in a joint
 * configuration.
 */
export function simple(
  base: Configuration,
  changes: readonly ConfChangeSingle[],
  defaults: ProgressDefaults,
): Configuration {
  const draft = open(base);
  if (draft.outgoing.size > 0) refuse("can't apply simple config change in joint config");
  apply(draft, changes, defaults);
  if (difference(new Set(base.membership.incoming), draft.incoming) > 1) {
    refuse("more than one voter changed without entering joint config");
  }
  return close(draft);
}

/**
 * From (1 2 3) into (1 2 3)&&(1 2 3), then applies the changes to the first half: decisions need
 * both from now on (dissertation, section 4.3). Throws `invalid-config` when already joint.
 */
export function enterJoint(
  base: Configuration,
  autoLeave: boolean,
  changes: readonly ConfChangeSingle[],
  defaults: ProgressDefaults,
): Configuration {
  const draft = open(base);
  if (draft.outgoing.size > 0) refuse("config is already joint");
  if (draft.incoming.size === 0) refuse("can't make a zero-voter config joint");
  draft.outgoing = new Set(draft.incoming);
  apply(draft, changes, defaults);
  draft.autoLeave = autoLeave;
  return close(draft);
}

/**
 * Drops the outgoing half and makes the voters that were waiting for it learners.
 * Throws `invalid-config` when the configuration is not joint.
 */
export function leaveJoint(base: Configuration): Configuration {
  const draft = open(base);
  if (draft.outgoing.size === 0) refuse("can't leave a non-joint config");
  for (const id of draft.learnersNext) {
    draft.learners.add(id);
    draft.progress.get(id)!.isLearner = true;
  }
  draft.learnersNext.clear();
  for (const id of draft.outgoing) {
    if (!draft.incoming.has(id) && !draft.learners.has(id)) draft.progress.delete(id);
  }
  draft.outgoing.clear();
  draft.autoLeave = false;
  return close(draft);
}

function apply(
  draft: Draft,
  changes: readonly ConfChangeSingle[],
  defaults: ProgressDefaults,
): void {
  for (const { type, nodeId } of changes) {
    // The application voids a change by clearing its member.
    if (nodeId === 0) continue;
    switch (type) {
      case ConfChangeType.AddNode:
        makeVoter(draft, nodeId, defaults);
        break;
      case ConfChangeType.AddLearnerNode:
        makeLearner(draft, nodeId, defaults);
        break;
      case ConfChangeType.RemoveNode:
        remove(draft, nodeId);
        break;
      case ConfChangeType.UpdateNode:
        break;
      default:
        refuse(`unexpected conf type ${String(type)}`);
    }
  }
  if (draft.incoming.size === 0) refuse("removed all voters");
}

function makeVoter(draft: Draft, id: NodeId, defaults: ProgressDefaults): void {
  draft.incoming.add(id);
  const progress = draft.progress.get(id);
  if (progress === undefined) {
    draft.progress.set(id, newProgress(defaults, false));
    return;
  }
  progress.isLearner = false;
  draft.learners.delete(id);
  draft.learnersNext.delete(id);
}

function makeLearner(draft: Draft, id: NodeId, defaults: ProgressDefaults): void {
  const progress = draft.progress.get(id);
  if (progress === undefined) {
    draft.learners.add(id);
    draft.progress.set(id, newProgress(defaults, true));
    return;
  }
  if (progress.isLearner) return;
  remove(draft, id);
  draft.progress.set(id, progress);
  // A member cannot be voter and learner at once: one that still votes in the outgoing half has
  // to wait until that is left.
  if (draft.outgoing.has(id)) {
    draft.learnersNext.add(id);
  } else {
    progress.isLearner = true;
    draft.learners.add(id);
  }
}

function remove(draft: Draft, id: NodeId): void {
  if (!draft.progress.has(id)) return;
  draft.incoming.delete(id);
  draft.learners.delete(id);
  draft.learnersNext.delete(id);
  if (!draft.outgoing.has(id)) draft.progress.delete(id);
}

function newProgress(defaults: ProgressDefaults, isLearner: boolean): Progress {
  const inflights = new Inflights(defaults.maxInflightMsgs, defaults.maxInflightBytes);
  const progress = new Progress(Math.max(defaults.lastIndex, 1), inflights, isLearner);
  // It has had no chance to be heard from; a quorum check must not count that against it.
  progress.recentActive = true;
  return progress;
}

function difference(left: ReadonlySet<NodeId>, right: ReadonlySet<NodeId>): number {
  let count = 0;
  for (const id of left) if (!right.has(id)) count++;
  for (const id of right) if (!left.has(id)) count++;
  return count;
}

function checkInvariants(draft: Draft): void {
  const { incoming, outgoing, learners, learnersNext, progress } = draft;
  for (const ids of [incoming, outgoing, learners, learnersNext]) {
    for (const id of ids) if (!progress.has(id)) refuse(`no progress for ${id}`);
  }
  for (const id of learnersNext) {
    if (!outgoing.has(id)) refuse(`${id} is in LearnersNext, but not Voters[1]`);
    if (progress.get(id)!.isLearner) {
      refuse(`${id} is in LearnersNext, but is already marked as learner`);
    }
  }
  for (const id of learners) {
    if (outgoing.has(id)) refuse(`${id} is in Learners and Voters[1]`);
    if (incoming.has(id)) refuse(`${id} is in Learners and Voters[0]`);
    if (!progress.get(id)!.isLearner) refuse(`${id} is in Learners, but is not marked as learner`);
  }
  if (outgoing.size > 0) return;
  if (learnersNext.size > 0) refuse("cfg.LearnersNext must be nil when not joint");
  if (draft.autoLeave) refuse("AutoLeave must be false when not joint");
}
