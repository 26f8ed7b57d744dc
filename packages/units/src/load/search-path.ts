import { parseUnitName } from "../names/unit-name.js";
import type { UnitName } from "../types.js";

/** Where systemd looks for system units, the first before the others (systemd.unit(5)). */
export const SYSTEM_UNIT_PATHS: readonly string[] = [
  "/etc/systemd/system.control",
  "/run/systemd/system.control",
  "/run/systemd/transient",
  "/run/systemd/generator.early",
  "/etc/systemd/system",
  "/etc/systemd/system.attached",
  "/run/systemd/system",
  "/run/systemd/system.attached",
  "/run/systemd/generator",
  "/usr/local/lib/systemd/system",
  "/usr/lib/systemd/system",
  "/lib/systemd/system",
  "/run/systemd/generator.late",
];

/**
 * The names whose folders (`NAME.d`, `NAME.wants`) belong to a unit, the most specific first: its
 * own, its template's, and those of its dashed prefixes: `a-b@1.service`, `a-b@.service`,
 * `a-@1.service`, `a-@.service`. `service.d` is not among them: it comes after all others.
 *
 * @example
 * ```ts
 * folderNames("foo-bar.service"); // ["foo-bar.service", "foo-.service"]
 * ```
 */
export function folderNames(name: string): readonly string[] {
  const names: string[] = [];
  for (let unit: UnitName | undefined = parseUnitName(name); unit !== undefined; ) {
    names.push(unit.name, ...templateNames(unit));
    unit = shorter(unit);
  }
  return names;
}

/** A template's own prefixes are looked at when it stands in for an instance. */
function templateNames({ template }: UnitName): readonly string[] {
  return template === undefined ? [] : folderNames(template);
}

/** The unit with the prefix cut behind the last dash that is not its last character. */
function shorter({ prefix, instance, type }: UnitName): UnitName | undefined {
  const trimmed = prefix.endsWith("-") ? prefix.slice(0, -1) : prefix;
  const dash = trimmed.lastIndexOf("-");
  if (dash <= 0 || trimmed.endsWith("-")) return undefined;
  const end = instance === undefined ? "" : `@${instance}`;
  return parseUnitName(`${trimmed.slice(0, dash + 1)}${end}.${type}`);
}
