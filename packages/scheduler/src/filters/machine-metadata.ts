import type { Machine } from "../types.js";
import type { Filter } from "./filter.js";

/** MachineMetadata=: for every key, the machine has one of the values. */
export const machineMetadata: Filter = {
  option: "MachineMetadata",
  passes: (unit, { machine }) => {
    for (const [key, values] of unit.job.fleet.machineMetadata) {
      if (!has(machine, key, values)) return false;
    }
    return true;
  },
  explain: (unit, { machine }) =>
    [...unit.job.fleet.machineMetadata]
      .filter(([key, values]) => !has(machine, key, values))
      .map(([key, values]) => `needs ${key}=${values.join(" or ")}, found ${found(machine, key)}`)
      .join(", "),
};

function has({ metadata }: Machine, key: string, values: readonly string[]): boolean {
  return Object.hasOwn(metadata, key) && values.includes(metadata[key]!);
}

function found({ metadata }: Machine, key: string): string {
  return Object.hasOwn(metadata, key) ? metadata[key]! : `no ${key}`;
}
