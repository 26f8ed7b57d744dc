import type { AssignmentNode, Diagnostic, UnitFile, UnitModel } from "@flotilla/units";
import { expandSpecifiers } from "@flotilla/units";
import type { Affinity, Resources, UnitJob } from "../types.js";
import * as values from "./values.js";

/** How many of each a unit may have: each costs something whenever the unit looks for a machine. */
const AFFINITIES_MAX = 8;
const SPREAD_KEYS_MAX = 4;

/**
 * Where the options may stand. fleet refuses files with options in [X-Fleet] that it does not know;
 * whoever needs a file to be good for both writes them into [X-Flotilla].
 */
const SECTIONS = ["X-Fleet", "X-Flotilla"];

/** What a unit file says of its placement beyond fleet's options, as far as it says anything. */
export type Placement = Pick<UnitJob, "priority" | "affinity" | "spread"> & {
  /** CPU=, Memory= and Tasks=; what is not there follows from the limits in [Service]. */
  readonly requests: Partial<Resources>;
};

/** What the options may be, by name; the last of a scalar counts, lists add up. */
interface Read {
  cpu?: number;
  memory?: number;
  tasks?: number;
  priority?: number;
  affinity: Affinity[];
  spread: string[];
}

/** Each takes a value in, or tells what is wrong with it. */
const OPTIONS: Readonly<Record<string, (value: string, into: Read) => string | undefined>> = {
  CPU: (value, into) => values.scalar(values.cpu(value), (cpu) => (into.cpu = cpu)),
  Memory: (value, into) => values.scalar(values.memory(value), (memory) => (into.memory = memory)),
  Tasks: (value, into) => values.scalar(values.tasks(value), (tasks) => (into.tasks = tasks)),
  Priority: (value, into) =>
    values.scalar(values.priority(value), (priority) => (into.priority = priority)),
  Affinity: (value, into) => {
    if (into.affinity.length === AFFINITIES_MAX) return `at most ${AFFINITIES_MAX} can be given`;
    return values.scalar(values.affinity(value), (affinity) => into.affinity.push(affinity));
  },
  Spread: (value, into) => {
    into.spread.push(...value.split(/\s+/).filter((key) => key !== ""));
    return into.spread.length > SPREAD_KEYS_MAX
      ? `at most ${SPREAD_KEYS_MAX} keys can be given`
      : undefined;
  },
};

/** Names of the options that {@link readPlacement} knows. */
export const PLACEMENT_OPTIONS: readonly string[] = Object.keys(OPTIONS);

/**
 * Reads `CPU=`, `Memory=`, `Tasks=`, `Priority=`, `Affinity=` and `Spread=` of [X-Fleet] and
 * [X-Flotilla]. Specifiers of fleet (`%n %N %p %i`) are replaced. A value that is wrong is an error
 * with its place in the file, and does not count.
 *
 * @example
 * ```ts
 * const file = parseUnitFile(text, { file: "web@1.service" });
 * const { placement, diagnostics } = readPlacement(parseUnitName("web@1.service"), file);
 * ```
 */
export function readPlacement(
  name: UnitModel["name"],
  file: UnitFile,
): { readonly placement: Placement; readonly diagnostics: readonly Diagnostic[] } {
  const read: Read = { affinity: [], spread: [] };
  const diagnostics: Diagnostic[] = [];
  for (const assignment of file.assignments) {
    if (!isPlacementOption(assignment)) continue;
    const value = expandSpecifiers(assignment.value, name, undefined, "nNpi").text.trim();
    const problem = OPTIONS[assignment.key]!(value, read);
    if (problem === undefined) continue;
    const message = `${assignment.key}=${value}: ${problem}.`;
    const { valueSpan: span } = assignment;
    diagnostics.push({ code: "bad-value", severity: "error", message, file: file.file, span });
  }
  return { placement: placementOf(read), diagnostics };
}

/** The assignment is one of those that {@link readPlacement} reads. */
function isPlacementOption({ section, key }: AssignmentNode): boolean {
  return SECTIONS.includes(section) && Object.hasOwn(OPTIONS, key);
}

function placementOf({ cpu, memory, tasks, priority, affinity, spread }: Read): Placement {
  return {
    requests: {
      ...(cpu === undefined ? {} : { cpu }),
      ...(memory === undefined ? {} : { memory }),
      ...(tasks === undefined ? {} : { tasks }),
    },
    ...(priority === undefined ? {} : { priority }),
    ...(affinity.length === 0 ? {} : { affinity }),
    ...(spread.length === 0 ? {} : { spread: [...new Set(spread)] }),
  };
}

/**
 * What the unit asks of its machine: what its options say, else its limits, CPUQuota=, MemoryMax=
 * and TasksMax=. CPUWeight= is a share of whatever there is, not an amount, and asks for nothing.
 */
export function requestsOf(
  { service }: Pick<UnitModel, "service">,
  { requests }: Placement,
): Partial<Resources> {
  const limits = {
    cpu: service?.cpuQuotaPercent === undefined ? undefined : service.cpuQuotaPercent * 10,
    memory: service?.memoryMaxBytes,
    tasks: service?.tasksMax,
  };
  const all = { ...limits, ...requests };
  const asked = Object.entries(all).filter(([, amount]) => Number.isFinite(amount));
  return Object.fromEntries(asked.map(([name, amount]) => [name, Math.ceil(amount!)]));
}
