import type { Filter } from "./filter.js";

/** Conflicts=, of this unit or of those that are there. */
export const conflicts: Filter = {
  option: "Conflicts",
  passes: (unit, machine, cluster) => !cluster.hasConflict(unit, machine),
  explain: (unit, machine, cluster) => {
    const [first, ...others] = cluster.conflictsOf(unit, machine);
    const more = others.length === 0 ? "" : ` and ${others.length} more`;
    return `conflicts with ${first?.name ?? "another unit"}${more}`;
  },
};
