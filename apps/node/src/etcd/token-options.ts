import { readFileSync } from "node:fs";
import type { MemberOptions } from "@flotilla/kv";
import type { Flags } from "./flags.js";
import { UsageError } from "./flags.js";

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/**
 * Tokens from etcd's `--auth-token`: `simple`, or `jwt` with its parts behind commas. Throws
 * {@link UsageError}.
 */
export function tokenOptions(flags: Flags): Pick<MemberOptions, "authTokens"> {
  const value = flags["auth-token"] ?? "simple";
  const ttl = flags["auth-token-ttl"];
  if (value === "simple") {
    return ttl === undefined ? {} : { authTokens: { ttlSeconds: Number(ttl) } };
  }
  const [kind, ...parts] = value.split(",");
  if (kind !== "jwt") throw new UsageError(`-auth-token is "simple" or "jwt,…", not "${value}"`);
  const given = new Map(parts.map((part) => splitAt(part)));
  const signMethod = given.get("sign-method");
  if (signMethod === undefined) throw new UsageError("-auth-token: jwt needs sign-method=…");
  const [privateKey, publicKey] = [keyOf(given.get("priv-key")), keyOf(given.get("pub-key"))];
  const duration = given.get("ttl");
  return {
    authTokens: {
      jwt: {
        signMethod,
        ...(privateKey === undefined ? {} : { privateKey }),
        ...(publicKey === undefined ? {} : { publicKey }),
        ...(duration === undefined ? {} : { ttlSeconds: secondsOf(duration) }),
      },
    },
  };
}

function splitAt(part: string): readonly [string, string] {
  const at = part.indexOf("=");
  if (at < 0) throw new UsageError(`-auth-token: "${part}" is not of the form name=value`);
  return [part.slice(0, at), part.slice(at + 1)];
}

function keyOf(file: string | undefined): Uint8Array | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError(`-auth-token: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** One of Go's durations, as `5m` or `1h30m`. */
function secondsOf(duration: string): number {
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([all]) => all).join("") !== duration) {
    throw new UsageError(`-auth-token: "${duration}" is no duration, as 5m is`);
  }
  return parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (SECONDS[unit ?? ""] ?? 0),
    0,
  );
}
