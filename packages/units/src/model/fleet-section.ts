import {
  conflicts,
  fleetBoolean,
  machineIds,
  machineMetadata,
  machineOf,
  port,
  protocol,
  replaces,
  serviceName,
} from "../keys/fleet-keys.js";
import type { FleetSection, FlotillaSection } from "../types.js";
import { pathMatch } from "../values/path-match.js";
import type { Settings } from "./settings.js";

const SECTION = "X-Fleet";

/** [X-Fleet] by fleet's rules; combinations that fleet refused are errors. */
export function readFleetSection(settings: Settings): FleetSection {
  const ids = ["MachineID", "X-ConditionMachineID", "X-ConditionMachineBootID"];
  const machineId = ids.flatMap((key) => settings.list(machineIds, SECTION, key))[0];
  const moved = settings.list(replaces, SECTION, "Replaces");
  const section: FleetSection = {
    machineMetadata: readMetadata(settings),
    machineOf: settings.list(machineOf, SECTION, "MachineOf"),
    conflicts: settings.list(conflicts, SECTION, "Conflicts"),
    global: settings.list(fleetBoolean, SECTION, "Global").at(-1) ?? false,
    ...(machineId === undefined ? {} : { machineId }),
    ...(moved[0] === undefined ? {} : { replaces: moved[0] }),
  };
  if (moved.length > 1) {
    const message = `Replaces= names one glob; of the ${moved.length} given only the first counts.`;
    settings.complain({ code: "bad-value", message }, [`${SECTION}.Replaces`]);
  }
  checkCombinations(section, settings);
  return section;
}

function readMetadata(settings: Settings): ReadonlyMap<string, readonly string[]> {
  const metadata = new Map<string, string[]>();
  for (const [key, value] of settings.list(machineMetadata, SECTION, "MachineMetadata")) {
    const values = metadata.get(key) ?? [];
    if (!values.includes(value)) values.push(value);
    metadata.set(key, values);
  }
  return metadata;
}

/** Option by option, what fleet did not let stand beside it. */
const EXCLUSIVE: readonly (readonly [string, readonly string[]])[] = [
  ["MachineID", ["MachineOf", "Conflicts", "Global", "Replaces"]],
  ["Global", ["MachineOf", "Replaces"]],
  ["Conflicts", ["Replaces"]],
];

function checkCombinations(section: FleetSection, settings: Settings): void {
  const set = new Set<string>();
  if (section.machineId !== undefined) set.add("MachineID");
  if (section.machineOf.length > 0) set.add("MachineOf");
  if (section.conflicts.length > 0) set.add("Conflicts");
  if (section.replaces !== undefined) set.add("Replaces");
  if (section.global) set.add("Global");
  for (const [option, others] of EXCLUSIVE) {
    if (!set.has(option)) continue;
    for (const other of others.filter((name) => set.has(name))) {
      const message = `${other}= cannot stand beside ${option}=.`;
      complain(settings, message, `Remove one of the two.`, other);
    }
  }
  checkPeers(section, settings);
}

/** A unit cannot be where a peer is and keep away from it. */
function checkPeers(section: FleetSection, settings: Settings): void {
  for (const peer of section.machineOf) {
    const clash = section.conflicts.find((glob) => pathMatch(glob, peer));
    if (clash !== undefined) {
      const message = `MachineOf=${peer} matches the unit's own Conflicts=${clash}.`;
      complain(settings, message, "Narrow the glob.", "MachineOf");
    }
    if (section.replaces !== undefined && pathMatch(section.replaces, peer)) {
      const message = `MachineOf=${peer} matches the unit's own Replaces=${section.replaces}.`;
      complain(settings, message, "Narrow the glob.", "MachineOf");
    }
  }
}

function complain(settings: Settings, message: string, hint: string, key: string): void {
  const problem = { code: "fleet-conflict", severity: "error", message, hint } as const;
  settings.complain(problem, [`${SECTION}.${key}`, `${SECTION}.X-ConditionMachineID`]);
}

/** [X-Flotilla]. */
export function readFlotillaSection(settings: Settings): FlotillaSection {
  const service = settings.last(serviceName, "X-Flotilla", "Service");
  const number = settings.last(port, "X-Flotilla", "Port");
  return {
    protocol: settings.last(protocol, "X-Flotilla", "Protocol") ?? "tcp",
    ...(service === undefined ? {} : { service }),
    ...(number === undefined ? {} : { port: number }),
  };
}
