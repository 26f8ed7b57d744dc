import { unplaced } from "./assignment.js";
import type { Cluster } from "./cluster.js";
import type { UnitNode } from "./model.js";
import { refusalOf } from "./placement.js";
import type { Refusal, Unplaced } from "./types.js";

/** How many machines the one-line reason names for each cause, and how many causes. */
const MACHINES_NAMED = 3;
const CAUSES_NAMED = 4;
/** A generated machine ID is shown by its first eight characters, as fleet does. */
const GENERATED_ID = /^[0-9a-f]{32}$/;

/** Every wanted unit without a machine, with what each machine has against it. */
export function explainUnplaced(cluster: Cluster): Unplaced[] {
  const answers = new Map<string, Omit<Unplaced, "unit">>();
  return unplaced(cluster).map((unit) => {
    const key = constraintKey(unit);
    let answer = answers.get(key);
    if (answer === undefined) {
      const refusals = refuse(unit, cluster);
      answer = { reason: inOneLine(refusals), refusals };
      answers.set(key, answer);
    }
    return { unit: unit.name, ...answer };
  });
}

function refuse(unit: UnitNode, cluster: Cluster): Refusal[] {
  return cluster.model.machines.flatMap((machine) => refusalOf(unit, machine, cluster) ?? []);
}

/** Units of one key are refused alike. */
function constraintKey({ job: { fleet }, matches }: UnitNode): string {
  const { machineId, machineMetadata, machineOf, conflicts, replaces } = fleet;
  return JSON.stringify([machineId, [...machineMetadata], machineOf, conflicts, replaces, matches]);
}

/** "conflicts with web@1.service on n1; draining on n2, n3". */
function inOneLine(refusals: readonly Refusal[]): string {
  if (refusals.length === 0) return "there are no machines";
  const byReason = new Map<string, string[]>();
  for (const { reason, machine } of refusals) {
    const machines = byReason.get(reason);
    if (machines === undefined) byReason.set(reason, [machine]);
    else machines.push(machine);
  }
  const causes = [...byReason].map(([reason, machines]) => `${reason} on ${someOf(machines)}`);
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
