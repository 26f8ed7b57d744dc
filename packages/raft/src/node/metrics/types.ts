import type { NodeId } from "../../index.js";

/** What is counted. Those with `type` and `peer` carry these labels. */
export type RaftCounter =
  /** Proposals of this member that were committed and applied here. */
  | "proposals_committed"
  /** Proposals of this member that ended as `proposal-dropped`. */
  | "proposals_dropped"
  /** Proposals of this member that ended in any other error: they may have taken effect. */
  | "proposals_uncertain"
  /** Times that this member saw another leader than before. */
  | "leader_changes"
  /** Reads that ended as `read-unavailable`. */
  | "reads_failed"
  /** Read rounds that had to be asked again, since no answer came in time. */
  | "reads_slow"
  /** Entries applied. */
  | "entries_applied"
  /** Snapshots of its own that this member could not take. */
  | "snapshots_failed"
  /** Snapshots to `peer` that were not taken there. */
  | "snapshot_sends_failed"
  /** Messages of `type` handed to the network for `peer`. */
  | "messages_sent"
  /** Messages of `type` for `peer` that were dropped: it cannot be reached or is too slow. */
  | "messages_dropped"
  /** Messages of `type` from `peer`. */
  | "messages_received"
  /** Messages from `peer` that the core refused: it is removed, or they are none that a member sends. */
  | "messages_refused"
  /** Bytes of messages to `peer`, snapshots left out. */
  | "peer_sent_bytes"
  /** Bytes of messages from `peer`, snapshots left out. */
  | "peer_received_bytes"
  /** Heartbeats for `peer` among the dropped messages. */
  | "heartbeats_failed"
  /** Bytes of snapshots to `peer`, those that were sent again included. */
  | "snapshot_sent_bytes"
  /** Bytes of snapshots from `peer`. */
  | "snapshot_received_bytes";

/** What is measured, in seconds, bytes or entries as the name says. */
export type RaftHistogram =
  /** One fdatasync of the log. */
  | "wal_fsync_seconds"
  /** Bytes that one fdatasync made durable. */
  | "wal_batch_bytes"
  /** From handing entries to the log until they are durable: waiting, write and fdatasync. */
  | "log_append_seconds"
  /** Entries in one record for the log. */
  | "log_append_entries"
  /** One `apply` of the state machine. */
  | "apply_seconds"
  /** Entries in one `apply`. */
  | "apply_entries"
  /** From the call of `snapshot()` until its file and its mark in the log are durable. */
  | "snapshot_save_seconds"
  /** Sending a snapshot to `peer`, to the end. */
  | "snapshot_send_seconds"
  /** Taking in a snapshot from `peer`. */
  | "snapshot_receive_seconds"
  /** From a heartbeat of this leader to `peer`'s answer. */
  | "peer_round_trip_seconds"
  /** How late a tick came: what the event loop was held up. */
  | "tick_late_seconds";

export interface MetricLabels {
  readonly peer?: NodeId;
  /** A message's type, as `MessageType` calls it. */
  readonly type?: string;
}

/**
 * Takes what a member and its transport measure. Give the same object to both. The calls are made on
 * hot paths: they must be quick and must not throw. Without one, nothing is measured.
 *
 * What is a state rather than an event (has a leader, leads, proposals that wait, indexes) is in
 * `RaftGroup.status()`.
 *
 * @example
 * ```ts
 * const fsyncs = new Histogram({ name: "etcd_disk_wal_fsync_duration_seconds", help: "…" });
 * const metrics: RaftMetrics = {
 *   count: () => {},
 *   observe: (name, value) => {
 *     if (name === "wal_fsync_seconds") fsyncs.observe(value);
 *   },
 * };
 * ```
 */
export interface RaftMetrics {
  count(name: RaftCounter, by: number, labels?: MetricLabels): void;
  observe(name: RaftHistogram, value: number, labels?: MetricLabels): void;
}
