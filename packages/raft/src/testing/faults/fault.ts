import type { SimulatedGroup } from "../group/group.js";
import type { Random } from "../random.js";
import type { FaultRates, Scenario } from "../scenario/scenario.js";

/** What a fault has to work with. */
export interface FaultContext {
  readonly group: SimulatedGroup;
  /** This one fault's own, so that leaving out another shifts no draw here. */
  readonly random: Random;
  readonly scenario: Scenario;
  /** Does something after a while, unless all has been healed by then. */
  later(ms: number, run: () => void): void;
}

/** One kind of fault: its rate in the scenario, and what it does. */
export interface Fault {
  readonly kind: keyof FaultRates;
  strike(context: FaultContext): void;
}
