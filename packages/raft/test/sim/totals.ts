import type { SimulationReport } from "../../src/testing/index.js";
import type { Outcome } from "./pool.js";

const COUNTED = [
  "virtualSeconds",
  "events",
  "messages",
  "faults",
  "operations",
  "unknownOperations",
  "refusedOperations",
] as const satisfies readonly (keyof SimulationReport)[];

/** What all runs together did. */
export class Totals {
  readonly failures: { readonly seed: number; readonly error: string }[] = [];
  readonly #began = performance.now();
  readonly #sums = new Map<string, number>(COUNTED.map((name) => [name, 0]));
  #passed = 0;
  readonly #stuck: number[] = [];

  add(outcome: Outcome): void {
    if ("error" in outcome) {
      this.failures.push(outcome);
      return;
    }
    const { report } = outcome;
    this.#passed++;
    if (report.stuck) this.#stuck.push(report.seed);
    for (const name of COUNTED) this.#sums.set(name, this.#sums.get(name)! + report[name]);
  }

  summary(): string {
    const sum = (name: (typeof COUNTED)[number]): number => this.#sums.get(name)!;
    const wall = (performance.now() - this.#began) / 1000;
    const { user, system } = process.cpuUsage();
    const virtual = sum("virtualSeconds");
    return [
      `${this.#passed} seeds passed, ${this.failures.length} failed; ended without a leader, see ` +
        `SimulationReport.stuck: ${this.#stuck.length === 0 ? "none" : this.#stuck.join(", ")}`,
      `${(virtual / 3600).toFixed(1)} virtual hours, ${sum("events")} events, ` +
        `${sum("messages")} messages, ${sum("faults")} faults`,
      `${sum("operations")} operations answered, ${(sum("operations") / virtual).toFixed(1)} a ` +
        `virtual second; ${sum("unknownOperations")} unknown, ${sum("refusedOperations")} not taken`,
      `${wall.toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of processor time`,
    ].join("\n");
  }
}
