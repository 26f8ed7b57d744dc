import {
  type ConfChange,
  type ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  type NodeId,
} from "../core/types.js";
import { everybody, type SimulatedGroup } from "./group.js";
import type { Random } from "./random.js";
import { QUIET_NETWORK, type Scenario } from "./scenario.js";

const NO_CONTEXT = new Uint8Array(0);

/** What goes wrong, and what operators do meanwhile: each kind at its own random times. */
export class Faults {
  readonly #group: SimulatedGroup;
  readonly #random: Random;
  readonly #scenario: Scenario;
  #over = false;

  constructor(group: SimulatedGroup, random: Random, scenario: Scenario) {
    this.#group = group;
    this.#random = random;
    this.#scenario = scenario;
  }

  start(): void {
    const { crashEvery, partitionEvery, pauseEvery, churnEvery, transferEvery } = this.#scenario;
    this.#repeat(crashEvery, () => this.#crash());
    this.#repeat(partitionEvery, () => this.#partition());
    this.#repeat(pauseEvery, () => this.#pause());
    this.#repeat(churnEvery, () => this.#churn());
    this.#repeat(transferEvery, () => this.#disturb());
    this.#repeat(this.#scenario.operationEvery, () => this.#operate());
  }

  /**
   * Ends all faults and puts everything back to work; then, as an operator does, stops the members
   * that were removed, but only once all that remain know of it: until then they may be needed.
   */
  heal(): void {
    this.#over = true;
    const { network, members, confState, confIndex } = this.#group;
    network.heal();
    network.setFaults(QUIET_NETWORK);
    const current = everybody(confState);
    const known = current.every((id) => members.get(id)!.appliedIndex >= confIndex);
    for (const member of members.values()) {
      if (known && !current.includes(member.id)) member.crash();
      else member.start();
    }
  }

  #repeat(every: number, run: () => void): void {
    if (every === 0) return;
    const again = (): void => {
      if (this.#over) return;
      run();
      this.#group.queue.schedule(this.#random.float() * 2 * every, again);
    };
    this.#group.queue.schedule(this.#random.float() * 2 * every, again);
  }

  #operate(): void {
    this.#group.clients.operate(this.#random.pick([...this.#group.members.values()]));
  }

  #crash(): void {
    const { members, queue } = this.#group;
    const member = this.#random.pick([...members.values()]);
    this.#group.note(() => `${member.id} crashes`);
    member.crash();
    const down = this.#random.chance(0.5) ? 0 : this.#random.between(100, 10_000);
    queue.schedule(down, () => {
      if (!this.#over) member.start();
    });
  }

  #partition(): void {
    const { members, network, queue } = this.#group;
    const ids = [...members.keys()];
    if (this.#random.chance(0.3)) {
      network.cut(this.#random.pick(ids), this.#random.pick(ids));
    } else {
      const left = ids.filter(() => this.#random.chance(0.5));
      network.partition(
        left,
        ids.filter((id) => !left.includes(id)),
      );
    }
    this.#group.note(() => "the network is cut");
    queue.schedule(this.#random.between(500, 15_000), () => network.heal());
  }

  #pause(): void {
    const ms = this.#random.between(200, 5_000);
    this.#group.pause(this.#random.pick([...this.#group.members.keys()]), ms);
  }

  /** Handing over, forgetting the leader, standing for election: what an operator or a bug may ask. */
  #disturb(): void {
    const member = this.#group.anyMember();
    if (member === null) return;
    const choice = this.#random.int(3);
    if (choice === 0) member.transferLeader(this.#random.pick([...this.#group.members.keys()]));
    else if (choice === 1) member.forgetLeader();
    else member.campaign();
  }

  #churn(): void {
    const member = this.#random.chance(0.8) ? this.#group.leader() : this.#group.anyMember();
    if (member === null) return;
    const changes = this.#drawChanges();
    if (changes.length === 0) return;
    const several = changes.length > 1 || this.#random.chance(0.3);
    const transition = several
      ? this.#random.pick([ConfChangeTransition.Auto, ConfChangeTransition.JointImplicit])
      : ConfChangeTransition.Auto;
    const change: ConfChange = { transition, changes, context: NO_CONTEXT };
    member.proposeConfChange(change);
  }

  #drawChanges(): ConfChangeSingle[] {
    const { voters } = this.#group.confState;
    const target = new Set(voters);
    const changes: ConfChangeSingle[] = [];
    for (let i = this.#random.between(1, 2); i > 0; i--) {
      const nodeId: NodeId = this.#random.pick([...this.#group.members.keys()]);
      if (changes.some((change) => change.nodeId === nodeId)) continue;
      const type = this.#random.pick([
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
    const stepDown = this.#scenario.member.config.stepDownOnRemoval === true;
    return stepDown && removed > (voters.length < 3 ? 0 : 1) ? [] : changes;
  }
}
