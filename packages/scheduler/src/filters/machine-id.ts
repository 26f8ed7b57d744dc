import type { Filter } from "./filter.js";

/** fleet's short form of a machine ID. */
const SHORT_ID_LENGTH = 8;

/** MachineID=: this machine only, by its full ID or the first eight characters. */
export const machineId: Filter = {
  option: "MachineID",
  passes: (unit, { id }) => {
    const wanted = unit.job.fleet.machineId;
    return wanted === undefined || wanted === id || wanted === id.slice(0, SHORT_ID_LENGTH);
  },
  explain: (unit) => `needs MachineID=${unit.job.fleet.machineId ?? ""}, which is not the ID`,
};
