export { InvariantViolation } from "./invariants.js";
export {
  isLinearizable,
  type Model,
  type Operation,
  type RegisterInput,
  registerModel,
} from "./linearizability.js";
export type { MemberOptions } from "./member.js";
export type { NetworkFaults } from "./network.js";
export { Random } from "./random.js";
export { registerHistoryFault } from "./register-history.js";
export { drawScenario, type Scenario } from "./scenario.js";
export { type SimulationOptions, type SimulationReport, simulate } from "./simulation.js";
