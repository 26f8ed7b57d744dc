import type { FleetSection } from "@flotilla/units";
import {
  type Affinity,
  type ClusterState,
  type DesiredState,
  type Machine,
  type Plan,
  plan,
  type Resources,
  type Strategy,
  type UnitJob,
} from "../src/index.js";

export interface UnitOptions {
  readonly machineId?: string;
  readonly metadata?: Readonly<Record<string, readonly string[]>>;
  readonly machineOf?: readonly string[];
  readonly conflicts?: readonly string[];
  readonly replaces?: string;
  readonly global?: boolean;
  readonly desired?: DesiredState;
  readonly requests?: Partial<Resources>;
  readonly priority?: number;
  readonly affinity?: readonly Affinity[];
  readonly spread?: readonly string[];
  /** Machine ID where it is placed. */
  readonly on?: string;
}

export interface MachineOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly schedulable?: boolean;
  readonly capacity?: Partial<Resources>;
}

/** A cluster in short: machines by ID, units by name. */
export function stateOf(
  machines: readonly string[] | Readonly<Record<string, MachineOptions>>,
  units: Readonly<Record<string, UnitOptions>>,
  strategy?: Strategy,
): ClusterState {
  const byId: [string, MachineOptions][] = Array.isArray(machines)
    ? machines.map((id: string) => [id, {}])
    : Object.entries(machines);
  const placements = new Map<string, string>();
  for (const [name, { on }] of Object.entries(units))
    if (on !== undefined) placements.set(name, on);
  return {
    machines: byId.map(([id, options]) => machineOf(id, options)),
    units: Object.entries(units).map(([name, unit]) => jobOf(name, unit)),
    placements,
    ...(strategy === undefined ? {} : { strategy }),
  };
}

export function machineOf(id: string, options: MachineOptions): Machine {
  const { metadata = {}, schedulable = true, capacity } = options;
  return { id, metadata, schedulable, ...(capacity === undefined ? {} : { capacity }) };
}

export function jobOf(name: string, unit: UnitOptions): UnitJob {
  const { requests, priority, affinity, spread } = unit;
  return {
    name,
    desired: unit.desired ?? "launched",
    fleet: sectionOf(unit),
    ...(requests === undefined ? {} : { requests }),
    ...(priority === undefined ? {} : { priority }),
    ...(affinity === undefined ? {} : { affinity }),
    ...(spread === undefined ? {} : { spread }),
  };
}

export function sectionOf(unit: UnitOptions): FleetSection {
  return {
    ...(unit.machineId === undefined ? {} : { machineId: unit.machineId }),
    machineMetadata: new Map(Object.entries(unit.metadata ?? {})),
    machineOf: unit.machineOf ?? [],
    conflicts: unit.conflicts ?? [],
    ...(unit.replaces === undefined ? {} : { replaces: unit.replaces }),
    global: unit.global ?? false,
  };
}

/** The placements after the plan. */
export function applied(state: ClusterState, { actions }: Plan): Map<string, string> {
  const placements = new Map(state.placements);
  for (const { type, unit, machine } of actions) {
    if (type === "schedule") placements.set(unit, machine);
    else placements.delete(unit);
  }
  return placements;
}

/** The state after its plan was applied. */
export function next(state: ClusterState): ClusterState {
  return { ...state, placements: applied(state, plan(state)) };
}

/** Where everything is after the plan, as a plain object. */
export function placed(state: ClusterState): Record<string, string> {
  return Object.fromEntries([...next(state).placements].sort());
}

/** The actions as lines: "schedule a.service n1". */
export function lines({ actions }: Plan): string[] {
  return actions.map(({ type, unit, machine }) => `${type} ${unit} ${machine}`);
}
