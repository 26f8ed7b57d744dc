import type { Filter } from "./filter.js";

/**
 * Replaces=: nobody there has this unit as its victim. That the unit's own victims there can move
 * is not seen from one machine: `placement.ts` tries it.
 */
export const replaces: Filter = {
  option: "Replaces",
  passes: (unit, machine, cluster) => cluster.replacersOf(unit, machine).length === 0,
  explain: (unit, machine, cluster) =>
    `replaced by ${cluster.replacersOf(unit, machine)[0]?.name ?? "another unit"}`,
};
