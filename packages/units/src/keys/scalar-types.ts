import type { Severity } from "../types.js";
import { closest } from "../values/closest.js";
import {
  parseBoolean,
  parseInteger,
  parseMode,
  parsePercent,
  parseSize,
} from "../values/scalars.js";
import { parseSignal } from "../values/signals.js";
import { MICROSECONDS_INFINITY, readMicroseconds } from "../values/time-span.js";
import type { ValueContext, ValueType } from "./value-type.js";

/** Known to systemd, not looked into by this package. */
export const opaque: ValueType<string> = {
  name: "text",
  empty: "reset",
  list: false,
  read: (value) => value,
};

/** A line of text with specifiers. */
export const text: ValueType<string> = {
  name: "text with specifiers",
  empty: "reset",
  list: false,
  prose: true,
  read: (value, context) => context.expand(value),
};

export const boolean: ValueType<boolean> = {
  name: "boolean",
  empty: "refuse",
  list: false,
  words: ["yes", "no", "true", "false", "on", "off", "1", "0"],
  read: (value, context) => parseBoolean(value) ?? notBoolean(value, context, "warning"),
};

/** A boolean without which systemd will not run the unit. */
export const requiredBoolean: ValueType<boolean> = {
  ...boolean,
  empty: "read",
  read: (value, context) => parseBoolean(value) ?? notBoolean(value, context, "error"),
};

function notBoolean(value: string, context: ValueContext, severity: Severity): undefined {
  const message = `${JSON.stringify(value)} is not a boolean.`;
  return context.report({ message, hint: "Write yes or no.", severity });
}

const TIME_HINT = "Write it as 90, 1min 30s, 500ms or infinity.";

/** Milliseconds; Infinity for `infinity`. */
export const timeSpan: ValueType<number> = {
  name: "time span",
  empty: "refuse",
  list: false,
  read: (value, context) => {
    const span = readMicroseconds(value);
    if (typeof span === "string") {
      const message = `${JSON.stringify(value)} is not a time span.`;
      return context.report({ message, hint: TIME_HINT });
    }
    return span === MICROSECONDS_INFINITY ? Number.POSITIVE_INFINITY : Number(span) / 1000;
  },
};

/** A time span where 0 has always meant "never". */
export const timeout: ValueType<number> = {
  ...timeSpan,
  read: (value, context) => {
    const span = timeSpan.read(value, context);
    return span === 0 ? Number.POSITIVE_INFINITY : span;
  },
};

/** A whole number within bounds. */
export function integer(
  name: string,
  min: number,
  max: number,
  empty: "refuse" | "reset" = "refuse",
): ValueType<number> {
  return {
    name,
    empty,
    list: false,
    read: (value, context) =>
      parseInteger(value, min, max) ??
      context.report({
        message: `${JSON.stringify(value)} is not a whole number from ${min} to ${max}.`,
      }),
  };
}

export const unsigned: ValueType<number> = integer("whole number", 0, 0xffff_ffff);
export const nice: ValueType<number> = integer("nice level", -20, 19, "reset");
export const oomScore: ValueType<number> = integer("OOM score adjustment", -1000, 1000, "reset");

export const mode: ValueType<number> = {
  name: "octal mode",
  empty: "refuse",
  list: false,
  read: (value, context) =>
    parseMode(value) ??
    context.report({ message: `${JSON.stringify(value)} is not an octal mode such as 0022.` }),
};

export const size: ValueType<number> = {
  name: "size in bytes",
  empty: "refuse",
  list: false,
  read: (value, context) =>
    parseSize(value) ??
    context.report({
      message: `${JSON.stringify(value)} is not a size.`,
      hint: "Write it as 4096, 512K, 64M or 1G.",
    }),
};

/** A signal's full name. */
export const signal: ValueType<string> = {
  name: "signal",
  empty: "refuse",
  list: false,
  read: (value, context) =>
    parseSignal(value) ??
    context.report({
      message: `${JSON.stringify(value)} is not a signal.`,
      hint: "Write it as SIGTERM, TERM or 15.",
    }),
};

/** A name under which a process finds a socket that it is given. */
export const descriptorName: ValueType<string> = {
  name: "name of a file descriptor",
  empty: "reset",
  list: false,
  read: (value, context) => {
    const name = context.expand(value);
    if (name === undefined || /^[\x20-\x39\x3b-\x7e]{1,255}$/.test(name)) return name;
    const message = `${JSON.stringify(name)} cannot name a file descriptor.`;
    return context.report({ message, hint: "It has at most 255 ASCII characters and no colon." });
  },
};

/** One of a few words. */
export function oneOf<T extends string>(
  name: string,
  words: readonly T[],
  empty: "refuse" | "reset" = "refuse",
): ValueType<T> {
  return {
    name,
    empty,
    list: false,
    words,
    read: (value, context) => {
      const found = words.find((word) => word === value);
      if (found !== undefined) return found;
      const near = closest(value, words);
      const hint = near === undefined ? `One of ${words.join(", ")}.` : `Did you mean ${near}?`;
      return context.report({ message: `${JSON.stringify(value)} is not a ${name}.`, hint });
    },
  };
}

/** Percent of one CPU; Infinity for none. */
export const cpuQuota: ValueType<number> = {
  name: "percentage of one CPU",
  empty: "reset",
  list: false,
  read: (value, context) => {
    const percent = parsePercent(value);
    if (percent !== undefined && percent > 0) return percent;
    const message = `${JSON.stringify(value)} is not a percentage over 0.`;
    return context.report({ message, hint: "Write 50% for half a CPU, 200% for two." });
  },
};

/** 1 to 10000; `idle` counts as the smallest weight. */
export const weight: ValueType<number> = {
  name: "weight",
  empty: "reset",
  list: false,
  read: (value, context) =>
    (value === "idle" && context.key.endsWith("CPUWeight") ? 1 : parseInteger(value, 1, 10_000)) ??
    context.report({ message: `${JSON.stringify(value)} is not a weight from 1 to 10000.` }),
};

/** cgroup v1's weight of block devices. */
export const blockWeight: ValueType<number> = integer("weight", 10, 1000, "reset");

/** A limit that can be a part of what the machine has. */
export type Amount =
  | { readonly kind: "absolute"; readonly value: number }
  | { readonly kind: "percent"; readonly value: number }
  | { readonly kind: "infinity" };

export const memoryLimit: ValueType<Amount> = {
  name: "memory size, percentage or infinity",
  empty: "reset",
  list: false,
  read: (value, context) =>
    amount(
      value,
      parseSize(value),
      /^(MemorySwapMax|(Default)?Memory(Low|Min))$/.test(context.key),
    ) ??
    context.report({
      message: `${JSON.stringify(value)} is not a memory size.`,
      hint: "Write it as 512M, 50% or infinity; it must be over 0.",
    }),
};

export const tasksLimit: ValueType<Amount> = {
  name: "number of tasks, percentage or infinity",
  empty: "reset",
  list: false,
  read: (value, context) =>
    amount(value, parseInteger(value, 0, Number.MAX_SAFE_INTEGER), false) ??
    context.report({
      message: `${JSON.stringify(value)} is not a number of tasks.`,
      hint: "Write it as 64, 10% or infinity; it must be over 0.",
    }),
};

function amount(value: string, absolute: number | undefined, zero: boolean): Amount | undefined {
  if (value === "infinity") return { kind: "infinity" };
  const percent = parsePercent(value);
  if (percent !== undefined && percent <= 100 && (percent > 0 || zero)) {
    return { kind: "percent", value: percent };
  }
  if (absolute === undefined || (absolute === 0 && !zero)) return undefined;
  return { kind: "absolute", value: absolute };
}
