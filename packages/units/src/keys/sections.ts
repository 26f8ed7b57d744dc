import { EXEC_KEYS } from "./exec-keys.js";
import { FLEET_KEYS, FLOTILLA_KEYS } from "./fleet-keys.js";
import {
  AUTOMOUNT_KEYS,
  MOUNT_KEYS,
  PATH_KEYS,
  SCOPE_KEYS,
  SOCKET_KEYS,
  SWAP_KEYS,
  TIMER_KEYS,
} from "./other-keys.js";
import { KILL_KEYS, RESOURCE_KEYS } from "./resource-keys.js";
import { type SectionSpec, SectionTable } from "./section-table.js";
import { SERVICE_KEYS } from "./service-keys.js";
import { INSTALL_KEYS, UNIT_KEYS } from "./unit-keys.js";
import type { KeySpec, KeyTable } from "./value-type.js";

const PROCESS_KEYS: KeyTable = { ...EXEC_KEYS, ...RESOURCE_KEYS, ...KILL_KEYS };

/**
 * Every section and key that systemd 252 knows in units, as `systemd --dump-configuration-items`
 * lists them, with fleet's and our own: what the model, the checks and their hints are made from.
 */
export const SECTIONS: Readonly<Record<string, SectionSpec>> = {
  Unit: { keys: UNIT_KEYS },
  Install: { keys: INSTALL_KEYS },
  Service: { keys: { ...PROCESS_KEYS, ...SERVICE_KEYS }, types: ["service"] },
  Socket: { keys: { ...PROCESS_KEYS, ...SOCKET_KEYS }, types: ["socket"] },
  Mount: { keys: { ...PROCESS_KEYS, ...MOUNT_KEYS }, types: ["mount"] },
  Automount: { keys: AUTOMOUNT_KEYS, types: ["automount"] },
  Swap: { keys: { ...PROCESS_KEYS, ...SWAP_KEYS }, types: ["swap"] },
  Target: { keys: {}, types: ["target"] },
  Device: { keys: {}, types: ["device"] },
  Timer: { keys: TIMER_KEYS, types: ["timer"] },
  Path: { keys: PATH_KEYS, types: ["path"] },
  Slice: { keys: RESOURCE_KEYS, types: ["slice"] },
  Scope: { keys: { ...RESOURCE_KEYS, ...KILL_KEYS, ...SCOPE_KEYS }, types: ["scope"] },
  "X-Fleet": { keys: FLEET_KEYS },
  "X-Flotilla": { keys: FLOTILLA_KEYS },
};

/** The same, to look things up in. */
export const UNIT_SECTIONS: SectionTable = new SectionTable(SECTIONS);

/** The row of a key, if the section and the key are known. */
export function findKey(section: string, key: string): KeySpec | undefined {
  return UNIT_SECTIONS.key(section, key);
}

/** The section of that name, if known. */
export function findSection(name: string): SectionSpec | undefined {
  return UNIT_SECTIONS.section(name);
}
