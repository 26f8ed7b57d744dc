export { type Core, type CoreBuild, THIS_BUILD } from "./group/core-build.js";
export type { MemberOptions } from "./group/member.js";
export type { NetworkFaults } from "./group/network.js";
export { InvariantViolation } from "./invariants/violation.js";
export {
  type CheckOptions,
  checkHistory,
  isLinearizable,
  type Model,
  type Operation,
  type Verdict,
} from "./linearizability/checker.js";
export { registerHistoryFault } from "./linearizability/register-history.js";
export { type RegisterInput, registerModel } from "./linearizability/register-model.js";
export { Random } from "./random.js";
export { drawScenario } from "./scenario/draw.js";
export type { FaultRates, Scenario } from "./scenario/scenario.js";
export { type ShrinkOptions, type ShrunkRun, shrink } from "./shrink.js";
export {
  type SimulationOptions,
  type SimulationReport,
  scenarioOf,
  simulate,
} from "./simulation.js";
export type { TraceEvent, TraceFields } from "./trace.js";
