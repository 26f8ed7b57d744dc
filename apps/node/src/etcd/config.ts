import type { MemberOptions } from "@flotilla/kv";
import type { Flags } from "./flags.js";
import { isTrue, UsageError } from "./flags.js";
import { tlsOptions } from "./tls-options.js";
import { tokenOptions } from "./token-options.js";

const CLIENT_URL = "http://localhost:2379";
const PEER_URL = "http://localhost:2380";
const DEFAULT_NAME = "default";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A member's options from etcd's flags, with etcd's defaults. Throws {@link UsageError}. */
export function memberOptions(flags: Flags): MemberOptions {
  const name = flags.name ?? DEFAULT_NAME;
  const listenPeerUrls = urls(flags, "listen-peer-urls") ?? [PEER_URL];
  const listenClientUrls = urls(flags, "listen-client-urls") ?? [CLIENT_URL];
  const given = urls(flags, "initial-advertise-peer-urls");
  const initialCluster =
    flags["initial-cluster"] === undefined
      ? { [name]: given ?? [PEER_URL] }
      : parseInitialCluster(flags["initial-cluster"]);
  const advertisePeerUrls = given ?? initialCluster[name] ?? [PEER_URL];
  checkCluster(name, initialCluster, given);
  const options: Writable<MemberOptions> = {
    name,
    storage: { directory: flags["data-dir"] ?? `${name}.etcd` },
    listenClientUrls,
    advertiseClientUrls: urls(flags, "advertise-client-urls") ?? listenClientUrls,
    listenPeerUrls,
    advertisePeerUrls,
    initialCluster,
    initialClusterState: clusterState(flags["initial-cluster-state"]),
  };
  if (isTrue(flags["force-new-cluster"])) options.forceNewCluster = true;
  const joinEndpoints = urls(flags, "join-endpoints");
  if (joinEndpoints !== undefined) options.joinEndpoints = joinEndpoints;
  if (flags["initial-cluster-token"] !== undefined) {
    options.clusterToken = flags["initial-cluster-token"];
  }
  if (flags["api-version"] !== undefined) options.apiVersion = flags["api-version"];
  return { ...options, ...numbers(flags), ...tlsOptions(flags), ...tokenOptions(flags) };
}

function numbers(flags: Flags): MemberOptions {
  const options: Writable<MemberOptions> = {};
  const number = (value: string | undefined): number | undefined =>
    value === undefined ? undefined : Number(value);
  const heartbeatMs = number(flags["heartbeat-interval"]);
  const electionMs =
    number(flags["election-timeout"]) ?? (heartbeatMs === undefined ? undefined : 1000);
  const snapshotCount = number(flags["snapshot-count"]);
  const maxTxnOps = number(flags["max-txn-ops"]);
  const maxRequestBytes = number(flags["max-request-bytes"]);
  const quotaBytes = number(flags["quota-backend-bytes"]);
  const maxConcurrentStreams = number(flags["max-concurrent-streams"]);
  if (heartbeatMs !== undefined) options.heartbeatMs = heartbeatMs;
  if (electionMs !== undefined) options.electionMs = electionMs;
  if (snapshotCount !== undefined) options.snapshotCount = snapshotCount;
  if (maxTxnOps !== undefined) options.maxTxnOps = maxTxnOps;
  if (maxRequestBytes !== undefined) options.maxRequestBytes = maxRequestBytes;
  if (maxConcurrentStreams !== undefined) options.maxConcurrentStreams = maxConcurrentStreams;
  // As etcd: 0 is its default.
  if (quotaBytes !== undefined && quotaBytes > 0) options.quotaBytes = quotaBytes;
  return options;
}

function clusterState(value: string | undefined): "new" | "existing" {
  if (value === undefined || value === "new") return "new";
  if (value === "existing") return "existing";
  throw new UsageError(`-initial-cluster-state is "new" or "existing", not "${value}"`);
}

type UrlFlag =
  | "listen-client-urls"
  | "listen-peer-urls"
  | "advertise-client-urls"
  | "initial-advertise-peer-urls"
  | "join-endpoints";

function urls(flags: Flags, name: UrlFlag): readonly string[] | undefined {
  const value = flags[name];
  if (value === undefined || value === "") return undefined;
  return value.split(",").map((url) => checkUrl(url.trim(), `-${name}`));
}

function checkUrl(url: string, where: string): string {
  if (/^https?:\/\/(\[[^\]]+\]|[^:/]+):\d+\/?$/.test(url)) return url.replace(/\/$/, "");
  throw new UsageError(`${where}: "${url}" is not of the form http://host:port`);
}

/** `name=url,name=url,…`; a name may come more than once. */
function parseInitialCluster(value: string): Readonly<Record<string, readonly string[]>> {
  const cluster: Record<string, string[]> = {};
  for (const part of value.split(",")) {
    const at = part.indexOf("=");
    if (at <= 0) throw new UsageError(`-initial-cluster: "${part}" is not of the form name=url`);
    const name = part.slice(0, at).trim();
    cluster[name] ??= [];
    cluster[name].push(checkUrl(part.slice(at + 1).trim(), "-initial-cluster"));
  }
  return cluster;
}

/** etcd's own check: what the member advertises must be what the cluster is told of it. */
function checkCluster(
  name: string,
  cluster: Readonly<Record<string, readonly string[]>>,
  advertised: readonly string[] | undefined,
): void {
  const own = cluster[name];
  if (own === undefined) {
    throw new UsageError(`couldn't find local name "${name}" in the initial cluster configuration`);
  }
  if (advertised === undefined) return;
  if ([...own].sort().join() !== [...advertised].sort().join()) {
    throw new UsageError(
      `-initial-cluster has ${name}=${own.join()} but -initial-advertise-peer-urls=` +
        `${advertised.join()}: they must be the same`,
    );
  }
}
