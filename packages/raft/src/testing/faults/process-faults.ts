import type { Fault, FaultContext } from "./fault.js";

/** A member dies, and comes back at once or after a while. */
export const crash: Fault = {
  kind: "crashEvery",
  strike(context) {
    const { group, random } = context;
    const member = random.pick(group.present);
    group.stop(member);
    startAgain(context, member.id);
  },
};

/** A member stands still: garbage collection, a stopped virtual machine, swapping. */
export const pause: Fault = {
  kind: "pauseEvery",
  strike({ group, random }) {
    group.pause(random.pick(group.present).id, random.between(200, 5_000));
  },
};

/** A rolling upgrade takes a member: it stops and comes back as the next version, or the one before. */
export const upgrade: Fault = {
  kind: "upgradeEvery",
  strike(context) {
    const { group, random } = context;
    const member = random.pick(group.present);
    group.stop(member);
    group.upgrade(member);
    startAgain(context, member.id);
  },
};

/** Starts a member that was stopped, unless another one has its ID by then. */
export function startAgain({ group, random, later }: FaultContext, id: number): void {
  const member = group.members.get(id)!;
  later(random.chance(0.5) ? 0 : random.between(100, 10_000), () => group.start(member));
}
