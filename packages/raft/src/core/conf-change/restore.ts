import { RaftError } from "../errors.js";
import { confStateOf, EMPTY_MEMBERSHIP } from "../tracker/tracker.js";
import { type ConfChangeSingle, ConfChangeType, type ConfState, type NodeId } from "../types.js";
import { type Configuration, enterJoint, type ProgressDefaults, simple } from "./changer.js";

/**
 * The configuration that a snapshot names, with fresh progress. A joint one is rebuilt as it came
 * about: the outgoing voters first, then the change to the incoming ones. Throws `invalid-config`
 * for one that contradicts itself.
 */
export function restoreConfiguration(
  confState: ConfState,
  defaults: ProgressDefaults,
): Configuration {
  let configuration: Configuration = { membership: EMPTY_MEMBERSHIP, progress: new Map() };
  for (const id of confState.votersOutgoing) {
    configuration = simple(configuration, [change(ConfChangeType.AddNode, id)], defaults);
  }
  const changes = [
    ...confState.votersOutgoing.map((id) => change(ConfChangeType.RemoveNode, id)),
    ...confState.voters.map((id) => change(ConfChangeType.AddNode, id)),
    ...confState.learners.map((id) => change(ConfChangeType.AddLearnerNode, id)),
    ...confState.learnersNext.map((id) => change(ConfChangeType.AddLearnerNode, id)),
  ];
  if (confState.votersOutgoing.length > 0) {
    configuration = enterJoint(configuration, confState.autoLeave, changes, defaults);
  } else {
    for (const single of changes) configuration = simple(configuration, [single], defaults);
  }
  checkSame(confState, confStateOf(configuration.membership));
  return configuration;
}

function change(type: ConfChangeType, nodeId: NodeId): ConfChangeSingle {
  return { type, nodeId };
}

/** Refuses unless both name the same members in the same parts, in whatever order. */
function checkSame(expected: ConfState, actual: ConfState): void {
  if (canonical(expected) === canonical(actual)) return;
  throw new RaftError(
    "invalid-config",
    `configuration ${canonical(actual)} was made of ${canonical(expected)}`,
  );
}

function canonical(confState: ConfState): string {
  const list = (ids: readonly NodeId[]) => [...ids].sort((a, b) => a - b).join(" ");
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = confState;
  return `(${list(voters)})&&(${list(votersOutgoing)}) learners (${list(learners)}) next (${list(learnersNext)}) autoLeave ${autoLeave}`;
}
