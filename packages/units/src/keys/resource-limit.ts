import { parseInteger, parseSize } from "../values/scalars.js";
import { MICROSECONDS_INFINITY, readMicroseconds } from "../values/time-span.js";
import type { ValueType } from "./value-type.js";

/** Soft and hard limit in the resource's own unit (bytes, seconds, microseconds, count). */
export interface ResourceLimit {
  readonly soft: number;
  readonly hard: number;
}

type LimitUnit = "size" | "count" | "seconds" | "microseconds" | "nice";

/** The resources of setrlimit(2) by the names that follow `Limit`, and what they count. */
export const RESOURCE_LIMITS: Readonly<Record<string, LimitUnit>> = {
  CPU: "seconds",
  FSIZE: "size",
  DATA: "size",
  STACK: "size",
  CORE: "size",
  RSS: "size",
  NOFILE: "count",
  AS: "size",
  NPROC: "count",
  MEMLOCK: "size",
  LOCKS: "count",
  SIGPENDING: "count",
  MSGQUEUE: "size",
  NICE: "nice",
  RTPRIO: "count",
  RTTIME: "microseconds",
};

/** `LimitNOFILE=1024:4096` and its kin (systemd.exec(5), "Process Properties"). */
export const resourceLimit: ValueType<ResourceLimit> = {
  name: "resource limit, or soft:hard",
  empty: "refuse",
  list: false,
  read: (value, context) => {
    const unit = RESOURCE_LIMITS[context.key.replace(/^Limit/, "")] ?? "count";
    const colon = value.indexOf(":");
    const soft = readLimit(colon === -1 ? value : value.slice(0, colon), unit);
    const hard = colon === -1 ? soft : readLimit(value.slice(colon + 1), unit);
    if (soft === undefined || hard === undefined) {
      const message = `${JSON.stringify(value)} is not a limit.`;
      return context.report({ message, hint: "Write a number, soft:hard or infinity." });
    }
    if (soft > hard) {
      return context.report({ message: "The soft limit is higher than the hard limit." });
    }
    return { soft, hard };
  },
};

function readLimit(text: string, unit: LimitUnit): number | undefined {
  if (text === "infinity" && unit !== "nice") return Number.POSITIVE_INFINITY;
  switch (unit) {
    case "size":
      return parseSize(text);
    case "count":
      return parseInteger(text, 0, Number.MAX_SAFE_INTEGER);
    case "seconds":
      return readTime(text, 1_000_000n, 1_000_000n);
    case "microseconds":
      return readTime(text, 1n, 1n);
    case "nice":
      return readNice(text);
  }
}

/** Rounded up to whole units, as systemd rounds LimitCPU= up to seconds. */
function readTime(text: string, defaultUnit: bigint, step: bigint): number | undefined {
  const span = readMicroseconds(text, defaultUnit);
  if (typeof span === "string") return undefined;
  if (span === MICROSECONDS_INFINITY) return Number.POSITIVE_INFINITY;
  return Number((span + step - 1n) / step);
}

/** Signed numbers are nice levels, of which the kernel counts 20 − level; others are that count. */
function readNice(text: string): number | undefined {
  if (!/^[+-]/.test(text)) return parseInteger(text, 0, 40);
  const level = parseInteger(text, -20, 19);
  return level === undefined ? undefined : 20 - level;
}
