import {
  type ConfChange,
  type ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  type NodeId,
} from "../../core/types.js";
import type { SimulatedGroup } from "../group/group.js";
import type { SimulatedMember } from "../group/member.js";
import type { Random } from "../random.js";
import type { Scenario } from "../scenario/scenario.js";
import type { Fault } from "./fault.js";

const NO_CONTEXT = new Uint8Array(0);

/** Handing over, forgetting the leader, standing for election: what an operator or a bug may ask. */
export const disturb: Fault = {
  kind: "transferEvery",
  strike({ group, random }) {
    const member = anyMember(group, random);
    if (member === null) return;
    const choice = random.int(3);
    if (choice === 0) member.transferLeader(random.pick(group.present).id);
    else if (choice === 1) member.forgetLeader();
    else member.campaign();
  },
};

/** Members are added, removed, promoted and demoted, one or two at a time. */
export const churn: Fault = {
  kind: "churnEvery",
  strike({ group, random, scenario }) {
    // First comes what is lost; see `replaceLost`.
    if (group.isImpaired()) return;
    const member = random.chance(0.8) ? group.leader() : anyMember(group, random);
    if (member === null) return;
    const changes = drawChanges(group, random, scenario);
    if (changes.length === 0) return;
    const several = changes.length > 1 || random.chance(0.3);
    const transition = several
      ? random.pick([ConfChangeTransition.Auto, ConfChangeTransition.JointImplicit])
      : ConfChangeTransition.Auto;
    propose(group, member, { transition, changes, context: NO_CONTEXT });
  },
};

/** Takes a member that was lost for good out of the group, if there is one and a leader. */
export function replaceLost(group: SimulatedGroup): void {
  const [nodeId] = group.lostMembers();
  const leader = group.leader();
  if (nodeId === undefined || leader === null) return;
  const changes: ConfChangeSingle[] = [{ type: ConfChangeType.RemoveNode, nodeId }];
  const newest = group.present.at(-1)!;
  // In the place of a voter comes the member that was added for it, in one joint change.
  if (group.confState.voters.includes(nodeId) && !group.confState.voters.includes(newest.id)) {
    changes.push({ type: ConfChangeType.AddNode, nodeId: newest.id });
  }
  const transition = ConfChangeTransition.Auto;
  propose(group, leader, { transition, changes, context: NO_CONTEXT });
}

function propose(group: SimulatedGroup, member: SimulatedMember, change: ConfChange): void {
  group.changeProposed();
  member.proposeConfChange(change);
}

function anyMember({ present }: SimulatedGroup, random: Random): SimulatedMember | null {
  const up = present.filter((member) => member.node !== null);
  return up.length === 0 ? null : random.pick(up);
}

function drawChanges(
  { confState: { voters }, present }: SimulatedGroup,
  random: Random,
  scenario: Scenario,
): ConfChangeSingle[] {
  const target = new Set(voters);
  const changes: ConfChangeSingle[] = [];
  for (let i = random.between(1, 2); i > 0; i--) {
    const nodeId: NodeId = random.pick(present).id;
    if (changes.some((change) => change.nodeId === nodeId)) continue;
    const type = random.pick([
      ConfChangeType.AddNode,
      ConfChangeType.AddNode,
      ConfChangeType.AddLearnerNode,
      ConfChangeType.RemoveNode,
    ]);
    if (type === ConfChangeType.AddNode) target.add(nodeId);
    else target.delete(nodeId);
    changes.push({ type, nodeId });
  }
  // A group needs a voter.
  if (target.size === 0) return [];
  // With `stepDownOnRemoval` only what its contract allows: see there.
  const removed = voters.filter((id) => !target.has(id)).length;
  const stepDown = scenario.member.config.stepDownOnRemoval === true;
  return stepDown && removed > (voters.length < 3 ? 0 : 1) ? [] : changes;
}
