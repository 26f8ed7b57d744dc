import { afterEach, describe, expect, it } from "vitest";
import {
  GrpcTransport,
  type MetricLabels,
  type RaftCounter,
  type RaftGroup,
  type RaftHistogram,
  type RaftMetrics,
} from "../../src/node/index.js";
import { leaderOf, member, openGroup, temporaryFolder, until, Words } from "./helpers.js";

const cleanup: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of cleanup.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

/** Sums of counters and all values of histograms, by name and labels. */
class Recorded implements RaftMetrics {
  readonly counters = new Map<string, number>();
  readonly values = new Map<string, number[]>();

  count(name: RaftCounter, by: number, labels?: MetricLabels): void {
    for (const key of keysOf(name, labels)) {
      this.counters.set(key, (this.counters.get(key) ?? 0) + by);
    }
  }

  observe(name: RaftHistogram, value: number, labels?: MetricLabels): void {
    for (const key of keysOf(name, labels)) {
      const values = this.values.get(key);
      if (values) values.push(value);
      else this.values.set(key, [value]);
    }
  }

  counter(key: string): number {
    return this.counters.get(key) ?? 0;
  }
}

function keysOf(name: string, { type, peer }: MetricLabels = {}): Set<string> {
  return new Set([name, `${name} ${type ?? ""} ${peer ?? ""}`.trim()]);
}

describe("the metrics of three members on disk over gRPC", () => {
  it("tell what happened, in seconds, bytes and entries", { timeout: 40_000 }, async () => {
    const folder = await temporaryFolder();
    cleanup.push(folder);
    const recorded = [new Recorded(), new Recorded(), new Recorded()];
    const transports: GrpcTransport[] = [];
    for (const [at, metrics] of recorded.entries()) {
      const listen = [{ host: "127.0.0.1", port: 0 }];
      const transport = new GrpcTransport({ clusterId: "test", id: at + 1, listen, metrics });
      await transport.bind();
      transports.push(transport);
    }
    const members = transports.map((one, at) =>
      member(at + 1, `127.0.0.1:${one.addresses[0]!.port}`),
    );
    const start = async (
      id: number,
      transport: GrpcTransport,
    ): Promise<RaftGroup<string, number>> => {
      const metrics = recorded[id - 1]!;
      const storage = { directory: `${folder.path}/${id}` };
      const options = { id, transport, members, metrics, storage, stateMachine: new Words() };
      const group = await openGroup({ ...options, snapshotEntries: 40, keepEntries: 2 });
      cleanup.push(group);
      return group;
    };
    const groups = await Promise.all(transports.map((one, at) => start(at + 1, one)));
    const leader = await leaderOf(groups);
    const { id } = leader.status();
    const follower = groups.find((group) => group !== leader)!;
    const other = follower.status().id;
    const [ours, theirs] = [recorded[id - 1]!, recorded[other - 1]!];
    for (let n = 0; n < 30; n++) await leader.propose(`${n}`);
    await leader.propose("x", { onlyAsLeader: true, term: 99 }).catch(() => {});
    await until("the leader heard of its heartbeats", () => {
      return (ours.values.get(`peer_round_trip_seconds  ${other}`)?.length ?? 0) >= 3;
    });

    expect(ours.counter("proposals_committed")).toBe(30);
    expect(ours.counter("proposals_dropped")).toBe(1);
    expect(ours.counter("leader_changes")).toBe(1);
    expect(ours.counter("entries_applied")).toBe(leader.status().applied);
    expect(ours.counter(`messages_sent Heartbeat ${other}`)).toBeGreaterThan(2);
    expect(theirs.counter(`messages_received App ${id}`)).toBeGreaterThan(10);
    expect(ours.counter(`peer_sent_bytes  ${other}`)).toBeGreaterThan(1_000);
    const sum = (values: number[] | undefined): number => values?.reduce((a, b) => a + b, 0) ?? 0;
    expect(sum(ours.values.get("apply_entries"))).toBe(leader.status().applied);
    expect(sum(ours.values.get("log_append_entries"))).toBeGreaterThanOrEqual(31);
    const fsyncs = ours.values.get("wal_fsync_seconds")!;
    expect(fsyncs.length).toBeGreaterThanOrEqual(30);
    expect(Math.max(...fsyncs)).toBeLessThan(10);
    expect(ours.values.get("wal_batch_bytes")).toHaveLength(fsyncs.length);
    expect(ours.values.get("tick_late_seconds")!.every((late) => late >= 0)).toBe(true);

    await follower.close();
    for (let n = 0; n < 60; n++) await leader.propose(`later ${n}`);
    await until("a snapshot was taken", () => ours.values.has("snapshot_save_seconds"));
    await until("heartbeats were missed", () => ours.counter("heartbeats_failed") > 0);
    expect(ours.counter(`messages_dropped Heartbeat ${other}`)).toBeGreaterThan(0);
    const listen = [{ host: "127.0.0.1", port: Number(members[other - 1]!.address.split(":")[1]) }];
    const transport = new GrpcTransport({ clusterId: "test", id: other, listen, metrics: theirs });
    const back = await start(other, transport);
    await until("it caught up", () => back.status().applied >= leader.status().applied);
    await until("both know", () => ours.values.has("snapshot_send_seconds"));
    const bytes = ours.counter(`snapshot_sent_bytes  ${other}`);
    expect(bytes).toBeGreaterThan(100);
    expect(theirs.counter(`snapshot_received_bytes  ${id}`)).toBe(bytes);
  });
});
