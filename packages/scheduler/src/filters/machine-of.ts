import type { Filter } from "./filter.js";

/** MachineOf=: every unit that is named runs on that machine already. */
export const machineOf: Filter = {
  option: "MachineOf",
  passes: (unit, machine, cluster) => cluster.hasPeers(unit, machine),
  explain: (unit, machine, cluster) => {
    const absent = unit.job.fleet.machineOf.filter(
      (_, i) => !cluster.isOn(unit.peers[i]!, machine),
    );
    return `needs ${absent.join(" and ")}, not`;
  },
};
