import {
  type ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  type NodeId,
  RaftError,
} from "../../index.js";
import type { MemberChange, WaitOptions } from "../options.js";
import type { Member } from "../types.js";
import type { MemberRuntime } from "./member-runtime.js";
import { encodeChangeContext } from "./membership.js";

/** A change as the core takes it, with the member's data beside it. */
interface Step extends ConfChangeSingle {
  readonly member: Member;
}

/** Changes of membership, proposed and awaited. */
export class MembershipCalls<Command, Result> {
  readonly #runtime: MemberRuntime<Command, Result>;

  constructor(runtime: MemberRuntime<Command, Result>) {
    this.#runtime = runtime;
  }

  /** Changes a member's address or context. */
  async update(given: Omit<Member, "learner">, options: WaitOptions): Promise<void> {
    const member = { ...given, learner: this.#known(given.id).learner };
    await this.#propose([stepOf(ConfChangeType.UpdateNode, member)], options);
  }

  /** All of `changes`, or none. */
  async change(changes: readonly MemberChange[], options: WaitOptions): Promise<void> {
    if (changes.length === 0) return;
    const steps = changes.map((change) => this.#stepOf(change));
    if (new Set(steps.map(({ nodeId }) => nodeId)).size < steps.length) {
      throw new RaftError("invalid-config", "each member can be changed once only");
    }
    await this.#propose(steps, options);
    // Both configurations count until the second one is committed.
    await this.#runtime.untilNotJoint(options.signal);
  }

  #stepOf(change: MemberChange): Step {
    switch (change.type) {
      case "add":
        return stepOf(ConfChangeType.AddNode, { ...change.member, learner: false });
      case "add-learner":
        return stepOf(ConfChangeType.AddLearnerNode, { ...change.member, learner: true });
      case "promote":
        return stepOf(ConfChangeType.AddNode, { ...this.#known(change.id), learner: false });
      case "demote":
        return stepOf(ConfChangeType.AddLearnerNode, { ...this.#known(change.id), learner: true });
      case "remove":
        return stepOf(ConfChangeType.RemoveNode, this.#known(change.id));
    }
  }

  async #propose(steps: readonly Step[], { signal }: WaitOptions): Promise<void> {
    this.#runtime.checkProposable(0);
    signal?.throwIfAborted();
    const { id, result } = this.#runtime.proposals.open<void>(0, this.#runtime.deadline(), signal);
    const context = encodeChangeContext(
      id,
      steps.map(({ member }) => member),
    );
    const changes = steps.map(({ type, nodeId }) => ({ type, nodeId }));
    this.#runtime.queue.change(id, { transition: ConfChangeTransition.Auto, changes, context });
    this.#runtime.driver.schedule();
    await result;
  }

  #known(id: NodeId): Member {
    const member = this.#runtime.driver.membership.get(id);
    if (member) return member;
    throw new RaftError("invalid-config", `there is no member ${id}`);
  }
}

function stepOf(type: ConfChangeType, member: Member): Step {
  return { type, nodeId: member.id, member };
}
