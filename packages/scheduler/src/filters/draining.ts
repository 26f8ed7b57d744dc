import type { Filter } from "./filter.js";

/** A machine that is being drained keeps nothing and takes nothing. */
export const draining: Filter = {
  option: "Draining",
  passes: (_unit, { machine }) => machine.schedulable,
  explain: () => "draining",
};
