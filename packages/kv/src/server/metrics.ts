import type { Backend } from "./backend.js";
import type { RpcCounts } from "./rpc-counts.js";

/** Prometheus' text format 0.0.4. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** What etcd writes for the statuses whose names differ. */
const CODES: Readonly<Record<string, string>> = { Cancelled: "Canceled" };

/** A member's metrics under etcd's names, as far as there is what they count. */
export function metricsText(backend: Backend, rpc: RpcCounts, version: string): string {
  const { store, log, hub, limits, learner } = backend;
  const { leader, commit, applied, progress } = log.status();
  const { puts, deletes, keys } = store.stats;
  const { watchers, unsynced } = hub.size;
  const cluster = version.split(".").slice(0, 2).join(".");
  const { heapUsed, rss } = process.memoryUsage();
  const families = [
    gauge("etcd_server_version", "Version that clients are told.", [
      [{ server_version: version }, 1],
    ]),
    gauge("etcd_cluster_version", "Version of the cluster.", [[{ cluster_version: cluster }, 1]]),
    gauge("etcd_server_has_leader", "1 while a leader is known.", one(leader === 0 ? 0 : 1)),
    gauge("etcd_server_is_leader", "1 on the leader.", one(log.isLeader ? 1 : 0)),
    gauge("etcd_server_is_learner", "1 on a member without a vote.", one(learner ? 1 : 0)),
    gauge(
      "etcd_server_proposals_committed_total",
      "Index of the newest committed entry.",
      one(commit),
    ),
    gauge(
      "etcd_server_proposals_applied_total",
      "Index of the newest applied entry.",
      one(applied),
    ),
    gauge("etcd_server_quota_backend_bytes", "Bytes that may be kept.", one(limits.quotaBytes)),
    gauge("etcd_mvcc_db_total_size_in_bytes", "Bytes kept.", one(store.sizeBytes)),
    gauge(
      "etcd_mvcc_db_total_size_in_use_in_bytes",
      "Bytes kept and in use.",
      one(store.sizeBytes),
    ),
    counter("etcd_mvcc_put_total", "Puts applied.", one(puts)),
    counter("etcd_mvcc_delete_total", "Deletions applied.", one(deletes)),
    gauge("etcd_debugging_mvcc_keys_total", "Keys that live.", one(keys)),
    gauge("etcd_debugging_mvcc_watcher_total", "Watchers.", one(watchers)),
    gauge("etcd_debugging_mvcc_slow_watcher_total", "Watchers that are behind.", one(unsynced)),
    gauge("etcd_debugging_mvcc_current_revision", "Revision of the store.", one(store.revision)),
    gauge(
      "etcd_debugging_mvcc_compact_revision",
      "Compacted revision.",
      one(store.compactRevision),
    ),
    gauge(
      "etcd_network_known_peers",
      "Members that the leader hears of.",
      one(progress?.size ?? 0),
    ),
    counter("grpc_server_handled_total", "Calls that have ended, by status.", handled(rpc)),
    gauge("process_resident_memory_bytes", "Resident memory.", one(rss)),
    gauge("nodejs_heap_size_used_bytes", "Memory that JavaScript uses.", one(heapUsed)),
  ];
  return families.join("");
}

function handled(rpc: RpcCounts): Sample[] {
  return Array.from(rpc, ({ service, method, kind, code, count }): Sample => {
    const grpc_code = CODES[code] ?? code;
    return [{ grpc_code, grpc_method: method, grpc_service: service, grpc_type: kind }, count];
  });
}

const one = (value: number): readonly Sample[] => [[{}, value]];

const gauge = (name: string, help: string, samples: readonly Sample[]): string =>
  family("gauge", name, help, samples);

const counter = (name: string, help: string, samples: readonly Sample[]): string =>
  family("counter", name, help, samples);

function family(type: string, name: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
    return `${name}${pairs.length === 0 ? "" : `{${pairs.join()}}`} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
}
