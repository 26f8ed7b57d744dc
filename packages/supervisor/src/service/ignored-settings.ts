import type { UnitSettings } from "../settings/unit-settings.js";

/** Settings that keep a service in or apart, and that a unit relies on when it has them. */
const PROTECTIVE =
  /^(Private|Protect|Restrict|ReadOnly|ReadWrite|Inaccessible|Exec|NoExec|Bind|Temporary|SystemCall|Memory(?!Max)|IP|Device|IO|CPU(?!Quota$|Weight$)|Allowed)[A-Za-z]*$/;
const OTHERS = new Set([
  "AmbientCapabilities",
  "CapabilityBoundingSet",
  "DynamicUser",
  "KeyringMode",
  "LockPersonality",
  "MountFlags",
  "NetworkNamespacePath",
  "NoNewPrivileges",
  "OOMPolicy",
  "OOMScoreAdjust",
  "PAMName",
  "Personality",
  "RemoveIPC",
  "RootImage",
  "SecureBits",
  "Slice",
  "StandardInput",
  "UtmpMode",
]);
/** Not about protection, though named alike. */
const NOT_PROTECTIVE = /^Exec(Start|Stop|Reload|Condition)(Pre|Post)?$|^MemoryLimit$/;

/** The settings of a service that are taken, and not enforced: whoever relies on them should know. */
export function ignoredSettings(settings: UnitSettings): readonly string[] {
  return [...settings.keys("Service")].filter(
    (key) => OTHERS.has(key) || (PROTECTIVE.test(key) && !NOT_PROTECTIVE.test(key)),
  );
}
