import { parseCalendar } from "../calendar/parse.js";
import { UnitsError } from "../errors.js";
import type { PathWatch, TimerTrigger } from "../types.js";
import { MICROSECONDS_INFINITY, readMicroseconds } from "../values/time-span.js";
import { absolute } from "./list-types.js";
import type { KeyTable, ValueContext, ValueType } from "./value-type.js";

const SPAN_BASES: Readonly<Record<string, Exclude<TimerTrigger["base"], "calendar">>> = {
  OnActiveSec: "active",
  OnBootSec: "boot",
  OnStartupSec: "startup",
  OnUnitActiveSec: "unit-active",
  OnUnitInactiveSec: "unit-inactive",
};

/** OnCalendar= and the other keys that say when a timer elapses; an empty one of them clears all. */
export const timerTrigger: ValueType<readonly TimerTrigger[]> = {
  name: "calendar expression or time span",
  empty: "reset",
  list: true,
  read: (value, context) => {
    const text = context.expand(value);
    if (text === undefined) return undefined;
    const trigger = context.key === "OnCalendar" ? calendar(text, context) : span(text, context);
    return trigger === undefined ? undefined : [trigger];
  },
};

function calendar(expression: string, context: ValueContext): TimerTrigger | undefined {
  try {
    return { base: "calendar", expression, calendar: parseCalendar(expression) };
  } catch (error) {
    if (!UnitsError.is(error)) throw error;
    const { message, hint } = error;
    return context.report({ message, ...(hint === undefined ? {} : { hint }) });
  }
}

function span(text: string, context: ValueContext): TimerTrigger | undefined {
  const found = readMicroseconds(text);
  if (typeof found === "string") {
    const message = `${JSON.stringify(text)} is not a time span.`;
    return context.report({ message, hint: "Write it as 90, 1min 30s, 500ms or infinity." });
  }
  const afterMs = found === MICROSECONDS_INFINITY ? Number.POSITIVE_INFINITY : Number(found) / 1000;
  return { base: SPAN_BASES[context.key] ?? "active", afterMs };
}

/** All in one list, in their order, whatever their keys are. */
export const TIMER_TRIGGERS = "Triggers";
export const PATH_WATCHES = "Watches";
export const LISTENERS = "Listeners";

/** Rows whose values pile up in one list under a name of our own. */
export function piled(type: ValueType<unknown>, under: string, names: string): KeyTable {
  return Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, { type, renamed: under }]),
  );
}

const WATCHES: Readonly<Record<string, PathWatch["kind"]>> = {
  PathExists: "exists",
  PathExistsGlob: "exists-glob",
  PathChanged: "changed",
  PathModified: "modified",
  DirectoryNotEmpty: "directory-not-empty",
};

/** PathExists= and its kin; an empty one of them clears all. */
export const pathWatch: ValueType<readonly PathWatch[]> = {
  name: "absolute path",
  empty: "reset",
  list: true,
  read: (value, context) => {
    const text = context.expand(value);
    const path = text === undefined ? undefined : absolute(text, context);
    return path === undefined ? undefined : [{ kind: WATCHES[context.key] ?? "exists", path }];
  },
};
