import { InvariantViolation } from "./invariants/violation.js";
import type { FaultRates, Scenario } from "./scenario/scenario.js";
import { type SimulationOptions, scenarioOf, simulate } from "./simulation.js";

export interface ShrinkOptions {
  /** Runs until the smallest found so far is returned. Default 400. */
  readonly maxRuns?: number;
}

/** A run that still fails in the same way. */
export interface ShrunkRun {
  readonly seed: number;
  readonly seconds: number;
  /** What differs from the scenario that the seed draws. */
  readonly scenario: Partial<Scenario>;
  readonly error: unknown;
  /** Runs that it took to find it. */
  readonly runs: number;
}

const MAX_RUNS = 400;

const NO_FAULTS: readonly (keyof FaultRates)[] = [
  "upgradeEvery",
  "wipeEvery",
  "rotEvery",
  "diskFullEvery",
  "syncErrorEvery",
  "transferEvery",
  "churnEvery",
  "pauseEvery",
  "partitionEvery",
  "crashEvery",
];

/** Each makes a scenario simpler, or leaves it as it is. */
const SIMPLER: readonly ((scenario: Scenario) => Scenario)[] = [
  ...NO_FAULTS.map((kind) => (scenario: Scenario) => ({ ...scenario, [kind]: 0 })),
  (scenario) => ({ ...scenario, spares: 0 }),
  (scenario) => ({ ...scenario, spares: Math.max(0, scenario.spares - 1) }),
  (scenario) => ({ ...scenario, voters: Math.min(3, scenario.voters) }),
  (scenario) => ({ ...scenario, voters: Math.max(1, scenario.voters - 1) }),
  (scenario) => ({ ...scenario, priorities: [] }),
  (scenario) => ({ ...scenario, drift: 0 }),
  (scenario) => ({ ...scenario, wire: "objects" }),
  (scenario) => ({ ...scenario, keys: 1 }),
  (scenario) => ({ ...scenario, network: { ...scenario.network, stall: 0 } }),
  (scenario) => ({ ...scenario, network: { ...scenario.network, duplicate: 0 } }),
  (scenario) => ({ ...scenario, network: { ...scenario.network, drop: 0 } }),
  (scenario) => ({ ...scenario, member: { ...scenario.member, disk: "entries" } }),
  (scenario) => ({ ...scenario, member: { ...scenario.member, lazyCommit: false } }),
  (scenario) => ({ ...scenario, member: { ...scenario.member, eagerAppends: false } }),
];

/**
 * Makes a failing run smaller while it fails with the same invariant: less time, fewer members,
 * fewer kinds of faults, and of those left fewer that strike. Null when it does not fail.
 *
 * @example
 * ```ts
 * const small = shrink({ seed: 4711 });
 * if (small !== null) console.log(small.error, small.seconds, small.scenario);
 * ```
 */
export function shrink(options: SimulationOptions, limits: ShrinkOptions = {}): ShrunkRun | null {
  const search = new Shrinking(options, limits.maxRuns ?? MAX_RUNS);
  return search.run();
}

class Shrinking {
  readonly #options: SimulationOptions;
  readonly #maxRuns: number;
  readonly #drawn: Scenario;
  #scenario: Scenario;
  #seconds: number;
  #error: unknown = null;
  #kind = "";
  #runs = 0;

  constructor(options: SimulationOptions, maxRuns: number) {
    this.#options = options;
    this.#maxRuns = maxRuns;
    this.#drawn = scenarioOf(options.seed);
    this.#scenario = { ...this.#drawn, ...options.scenario };
    this.#seconds = options.seconds ?? 120;
  }

  run(): ShrunkRun | null {
    const error = this.#try(this.#seconds, this.#scenario);
    if (error === null) return null;
    this.#error = error;
    this.#kind = kindOf(error);
    for (let before = -1; before !== this.#size(); ) {
      before = this.#size();
      this.#shorten();
      for (const simpler of SIMPLER) this.#keepIfFailing(this.#seconds, simpler(this.#scenario));
      this.#dropFaults();
    }
    const { seed } = this.#options;
    return {
      seed,
      seconds: this.#seconds,
      scenario: difference(this.#drawn, this.#scenario),
      error: this.#error,
      runs: this.#runs,
    };
  }

  /** Goes down with every step forward, so that a pass without one ends the search. */
  #size(): number {
    return JSON.stringify(this.#scenario).length + this.#seconds;
  }

  #shorten(): void {
    for (let step = this.#seconds / 2; step >= 0.5; step /= 2) {
      const shorter = Math.ceil((this.#seconds - step) * 2) / 2;
      if (shorter > 0 && shorter < this.#seconds) this.#keepIfFailing(shorter, this.#scenario);
    }
  }

  /** Leaves out halves, then quarters… of the faults, down to single ones. */
  #dropFaults(): void {
    let faults = this.#faultsThatStrike();
    for (let size = Math.ceil(faults.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at < faults.length && this.#runs < this.#maxRuns; ) {
        const fewer = [...faults.slice(0, at), ...faults.slice(at + size)];
        const scenario = { ...this.#scenario, onlyFaults: fewer };
        if (this.#keepIfFailing(this.#seconds, scenario)) faults = fewer;
        else at += size;
      }
    }
  }

  #faultsThatStrike(): number[] {
    const numbers: number[] = [];
    this.#try(this.#seconds, this.#scenario, (line) => {
      const number = / fault number=(\d+)/.exec(line)?.[1];
      if (number !== undefined) numbers.push(Number(number));
    });
    return numbers;
  }

  #keepIfFailing(seconds: number, scenario: Scenario): boolean {
    const same = JSON.stringify(scenario) === JSON.stringify(this.#scenario);
    if ((same && seconds === this.#seconds) || this.#runs >= this.#maxRuns) return false;
    const error = this.#try(seconds, scenario);
    if (error === null || kindOf(error) !== this.#kind) return false;
    this.#seconds = seconds;
    this.#scenario = scenario;
    this.#error = error;
    return true;
  }

  #try(seconds: number, scenario: Scenario, trace?: (line: string) => void): unknown {
    this.#runs++;
    try {
      simulate({ ...this.#options, seconds, scenario, ...(trace && { trace }) });
      return null;
    } catch (error) {
      return error;
    }
  }
}

/** Which invariant broke; of other errors, their text without its numbers. */
function kindOf(error: unknown): string {
  if (error instanceof InvariantViolation) return error.invariant;
  return String(error).replace(/\d+/g, "#");
}

function difference(drawn: Scenario, scenario: Scenario): Partial<Scenario> {
  const entries = Object.entries(scenario).filter(([name, value]) => {
    return JSON.stringify(value) !== JSON.stringify(drawn[name as keyof Scenario]);
  });
  return Object.fromEntries(entries);
}
