import type { Filter } from "./filter.js";

/** MachineOf=: every unit that is named runs on that machine already. */
export const machineOf: Filter = {
  option: "MachineOf",
  passes: (unit, machine, cluster) => cluster.hasPeers(unit, machine),
  explain: ({ peers }, machine, cluster) =>
    `needs ${peers.filter((peer) => !cluster.isOn(peer, machine)).join(" and ")}, not`,
};
