import type { Fault } from "./fault.js";

/** Ways between members are cut for a while: one, both of a pair, a member's, all of a half's. */
export const partition: Fault = {
  kind: "partitionEvery",
  strike({ group, random, later }) {
    const { network } = group;
    const ids = group.present.map(({ id }) => id);
    const [one, other] = [random.pick(ids), random.pick(ids)];
    const choice = random.int(6);
    if (choice === 0) network.cut(one, other);
    else if (choice === 1) network.partition([one], [other]);
    else if (choice === 2) network.partition([one], without(ids, [one]));
    else if (choice === 3) network.clog(one, other, random.between(100, 5_000));
    else {
      const left = ids.filter(() => random.chance(0.5));
      network.partition(left, without(ids, left));
    }
    later(random.between(500, 15_000), () => network.heal());
  },
};

function without(ids: readonly number[], gone: readonly number[]): number[] {
  return ids.filter((id) => !gone.includes(id));
}
