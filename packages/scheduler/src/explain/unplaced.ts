import type { Objection } from "../filters/index.js";
import type { Kind, UnitNode } from "../model/unit-node.js";
import type { Scheduling } from "../passes/candidates.js";
import { refusalOf } from "../passes/placement.js";
import type { Refusal, Unplaced } from "../types.js";

/** How many machines the one-line reason names for each cause, and how many causes. */
const MACHINES_NAMED = 3;
const CAUSES_NAMED = 4;
/** A generated machine ID is shown by its first eight characters, as fleet does. */
const GENERATED_ID = /^[0-9a-f]{32}$/;

/** Every unit that waits, with what each machine has against it. */
export function explainUnplaced(waiting: readonly UnitNode[], scheduling: Scheduling): Unplaced[] {
  const { units, machines } = scheduling.cluster;
  const all = machines.sorted();
  const answers = new Map<Kind, Omit<Unplaced, "unit">>();
  return waiting.map((unit) => {
    const kind = units.kindOf(unit);
    let answer = answers.get(kind);
    if (answer === undefined) {
      const objections = all.flatMap((machine) => refusalOf(unit, machine, scheduling) ?? []);
      answer = { reason: inOneLine(objections), refusals: objections.map(publicRefusal) };
      answers.set(kind, answer);
    }
    return { unit: unit.name, ...answer };
  });
}

export function publicRefusal({ machine, option, reason }: Objection): Refusal {
  return { machine, option, reason };
}

/** "conflicts with web@1.service on n1; draining on n2, n3". */
function inOneLine(objections: readonly Objection[]): string {
  if (objections.length === 0) return "there are no machines";
  const bySummary = new Map<string, string[]>();
  for (const { summary, machine } of objections) {
    const machines = bySummary.get(summary);
    if (machines === undefined) bySummary.set(summary, [machine]);
    else machines.push(machine);
  }
  const causes = [...bySummary].map(([summary, machines]) => `${summary} on ${someOf(machines)}`);
  const shown = causes.slice(0, CAUSES_NAMED).join("; ");
  const hidden = causes.length - CAUSES_NAMED;
  return hidden > 0 ? `${shown}; ${hidden} more reasons` : shown;
}

function someOf(machines: readonly string[]): string {
  const shown = machines
    .slice(0, MACHINES_NAMED)
    .map((id) => (GENERATED_ID.test(id) ? id.slice(0, 8) : id))
    .join(", ");
  const hidden = machines.length - MACHINES_NAMED;
  return hidden > 0 ? `${shown} and ${hidden} more` : shown;
}
