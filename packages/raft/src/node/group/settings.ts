import { RaftError } from "../../index.js";
import type { RaftGroupOptions } from "../options.js";
import { realClock } from "./clock.js";

const MEBIBYTE = 1024 * 1024;

type Given<Command, Result> = Omit<RaftGroupOptions<Command, Result>, "join" | "random">;

/** The options with their defaults. */
export type Settings<Command, Result> = Required<Omit<Given<Command, Result>, "metrics">> &
  Pick<Given<Command, Result>, "metrics">;

/** Fills in the defaults. @throws RaftError `invalid-config` */
export function resolveSettings<Command, Result>(
  options: RaftGroupOptions<Command, Result>,
): Settings<Command, Result> {
  const tickMs = options.tickMs ?? 100;
  const electionTicks = options.electionTicks ?? 10;
  const settings = {
    heartbeatTicks: 1,
    priority: 0,
    snapshotEntries: 50_000,
    snapshotBytes: 256 * MEBIBYTE,
    keepEntries: 5_000,
    maxUncommittedBytes: 64 * MEBIBYTE,
    maxCommandBytes: 16 * MEBIBYTE,
    maxPendingProposals: 100_000,
    maxPendingBytes: 128 * MEBIBYTE,
    requestTimeoutMs: 5_000 + 2 * electionTicks * tickMs,
    clock: realClock,
    ...options,
    tickMs,
    electionTicks,
  };
  for (const name of POSITIVE) {
    if (settings[name] > 0) continue;
    throw new RaftError("invalid-config", `${name} must be over 0, not ${settings[name]}`);
  }
  return settings;
}

const POSITIVE = [
  "tickMs",
  "snapshotEntries",
  "snapshotBytes",
  "keepEntries",
  "maxUncommittedBytes",
  "maxCommandBytes",
  "maxPendingProposals",
  "maxPendingBytes",
  "requestTimeoutMs",
] as const;
