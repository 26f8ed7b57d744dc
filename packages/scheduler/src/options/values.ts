import { parsePercent, parseSize } from "@flotilla/units";
import type { Affinity } from "../types.js";

const PRIORITY_MAX = 100;
const WEIGHT_MAX = 100;
const WEIGHT_DEFAULT = 50;

/** A value that was read, or what is wrong with it. */
type Reading<T> = { readonly value: T } | { readonly problem: string };

/** Hands a good value on; gives what is wrong with another. */
export function scalar<T>(reading: Reading<T>, take: (value: T) => unknown): string | undefined {
  if ("problem" in reading) return reading.problem;
  take(reading.value);
  return undefined;
}

/** `0.5`, `2` or `50%` of a CPU, as thousandths. */
export function cpu(text: string): Reading<number> {
  const percent = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 100 : parsePercent(text);
  if (percent === undefined) return { problem: "neither a number of CPUs nor a percentage of one" };
  return { value: Math.ceil(percent * 10) };
}

/** `512M`, as bytes. */
export function memory(text: string): Reading<number> {
  const bytes = parseSize(text);
  return bytes === undefined ? { problem: "not a size such as 512M" } : { value: bytes };
}

export function tasks(text: string): Reading<number> {
  return /^\d{1,9}$/.test(text) ? { value: Number(text) } : { problem: "not a number of tasks" };
}

export function priority(text: string): Reading<number> {
  const value = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  return value <= PRIORITY_MAX ? { value } : { problem: `not a number from 0 to ${PRIORITY_MAX}` };
}

/** `disk=ssd`, or with a weight: `disk=ssd 80`, `zone=b -20`. */
export function affinity(text: string): Reading<Affinity> {
  const match = /^([^=\s]+)=([^=\s]+)(?:\s+(-?\d{1,3}))?$/.exec(text);
  const weight = Number(match?.[3] ?? WEIGHT_DEFAULT);
  if (match === null || Math.abs(weight) > WEIGHT_MAX) {
    return { problem: `not KEY=VALUE with a weight from -${WEIGHT_MAX} to ${WEIGHT_MAX}` };
  }
  return { value: { key: match[1]!, value: match[2]!, weight } };
}
