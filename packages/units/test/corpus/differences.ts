import { SECTIONS } from "../../src/index.js";
import type { FileDifference } from "./compare.js";

/** Why this package and systemd differ on a file; undefined where they should not. */
export function explain({ name, lines }: FileDifference): string | undefined {
  if (name.endsWith(".scope"))
    return "systemd reads no scope from a file, and so says nothing of it";
  if (lines === undefined || lines.ours.length > 0 || lines.theirs.length === 0) return undefined;
  if (lines.theirs.every((line) => isUnlooked(line) || /%[crR]/.test(line))) {
    return "values of keys that are known by name only, and specifiers that are gone since systemd 239";
  }
  return undefined;
}

/** A line with a key whose values this package does not look into, in any section. */
function isUnlooked(line: string): boolean {
  const key = line.split("=")[0]!.trim();
  return Object.values(SECTIONS).some(({ keys }) => keys[key]?.type.name === "text");
}
