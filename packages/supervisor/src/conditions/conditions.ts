import type { SettingValue, UnitSettings } from "../settings/unit-settings.js";
import { CHECKS } from "./checks.js";

/** Whether a unit may start: an unmet condition skips it quietly, an unmet assertion fails it. */
export type Admission =
  | { readonly verdict: "met" }
  | { readonly verdict: "condition" | "assert"; readonly setting: string };

const KINDS = [
  ["Condition", "condition"],
  ["Assert", "assert"],
] as const;

/**
 * Looks at Condition…= and Assert…= of a unit, as systemd does just before it starts one
 * (systemd.unit(5), "Conditions and Asserts"): all must hold, and of those with `|` at least one.
 * What cannot be evaluated here does not hold.
 */
export function checkConditions(settings: UnitSettings): Admission {
  for (const [prefix, verdict] of KINDS) {
    const unmet = firstUnmet(prefix, settings);
    if (unmet !== undefined) return { verdict, setting: unmet };
  }
  return { verdict: "met" };
}

function firstUnmet(prefix: string, settings: UnitSettings): string | undefined {
  const keys = [...settings.keys("Unit")].filter((key) => key.startsWith(prefix));
  if (keys.length === 0) return undefined;
  const all = settings.all("Unit", keys).map((setting) => readCondition(prefix, setting));
  const required = all.find(({ triggers, holds }) => !triggers && !holds());
  if (required) return required.text;
  const triggers = all.filter(({ triggers: one }) => one);
  return triggers.some(({ holds }) => holds()) ? undefined : triggers.at(-1)?.text;
}

interface Condition {
  readonly text: string;
  /** `|`: one of those that have it is enough. */
  readonly triggers: boolean;
  readonly holds: () => boolean;
}

function readCondition(prefix: string, { key, value }: SettingValue): Condition {
  const [, mark = "", not = "", argument = ""] = /^(\|?)(!?)\s*(.*)$/s.exec(value) ?? [];
  const check = CHECKS[key.slice(prefix.length)];
  return {
    text: `${key}=${value}`,
    triggers: mark !== "",
    holds: () => check !== undefined && check(argument) === (not === ""),
  };
}
