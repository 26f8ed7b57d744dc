import type { Difference } from "./compare.js";

/** Why this package and systemd's tools differ on a value; undefined where they should not. */
export function explain(_difference: Difference): string | undefined {
  return undefined;
}
