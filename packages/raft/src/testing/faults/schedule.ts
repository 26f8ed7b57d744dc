import { everybody, type SimulatedGroup } from "../group/group.js";
import { QUIET_NETWORK } from "../group/network.js";
import type { Random } from "../random.js";
import type { Scenario } from "../scenario/scenario.js";
import { diskFull, rot, syncError, wipe } from "./disk-faults.js";
import type { Fault } from "./fault.js";
import { partition } from "./network-faults.js";
import { churn, disturb, replaceLost } from "./operators.js";
import { crash, pause, upgrade } from "./process-faults.js";

const FAULTS: readonly Fault[] = [
  crash,
  partition,
  pause,
  churn,
  disturb,
  syncError,
  diskFull,
  rot,
  wipe,
  upgrade,
];
const REPLACE_EVERY_MS = 1_000;

/**
 * What goes wrong, and what operators do meanwhile: each kind at its own random times. Faults are
 * numbered in the order in which they come, so that a run can be repeated with some of them only.
 */
export class FaultSchedule {
  readonly #group: SimulatedGroup;
  readonly #scenario: Scenario;
  readonly #only: ReadonlySet<number> | null;
  #over = false;
  /** Faults that came so far, left out or not. */
  count = 0;

  constructor(group: SimulatedGroup, random: Random, scenario: Scenario) {
    this.#group = group;
    this.#scenario = scenario;
    this.#only = scenario.onlyFaults === null ? null : new Set(scenario.onlyFaults);
    for (const fault of FAULTS) this.#repeat(fault, random.fork());
    this.#repeatReplacing();
  }

  /**
   * Ends all faults and puts everything back to work; then, as an operator does, stops the members
   * that were removed, but only once all that remain know of it: until then they may be needed.
   */
  heal(): void {
    const { network, confState, confIndex, members } = this.#group;
    if (!this.#over) this.#group.note(null, "heal");
    this.#over = true;
    network.heal();
    network.setFaults(QUIET_NETWORK);
    const current = everybody(confState);
    const known = current.every((id) => members.get(id)!.appliedIndex >= confIndex);
    for (const member of this.#group.present) {
      if (known && !current.includes(member.id)) {
        this.#group.stop(member);
        continue;
      }
      member.setDiskFull(false);
      this.#group.start(member);
    }
  }

  #repeat(fault: Fault, random: Random): void {
    const every = this.#scenario[fault.kind];
    if (every === 0) return;
    const again = (): void => {
      if (this.#over) return;
      this.#strike(fault, random.fork());
      this.#group.queue.schedule(random.float() * 2 * every, again);
    };
    this.#group.queue.schedule(random.float() * 2 * every, again);
  }

  #strike(fault: Fault, random: Random): void {
    const number = ++this.count;
    if (this.#only !== null && !this.#only.has(number)) return;
    this.#group.note(null, "fault", { number, kind: fault.kind.slice(0, -"Every".length) });
    const later = (ms: number, run: () => void): void => {
      this.#group.queue.schedule(ms, () => {
        if (!this.#over) run();
      });
    };
    fault.strike({ group: this.#group, random, scenario: this.#scenario, later });
  }

  /** An operator sees to it all the time, also after the faults. */
  #repeatReplacing(): void {
    this.#group.queue.schedule(REPLACE_EVERY_MS, () => {
      replaceLost(this.#group);
      this.#repeatReplacing();
    });
  }
}
