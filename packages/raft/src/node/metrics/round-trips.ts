import { type Message, MessageType, type NodeId } from "../../index.js";
import type { RaftMetrics } from "./types.js";

/** An answer that comes later than this belongs to another heartbeat. */
const STALE_MS = 10_000;

/** Measures, on a leader, how long its peers take to answer heartbeats. */
export class RoundTrips {
  readonly #metrics: RaftMetrics;
  /** When the oldest heartbeat left that was not answered. */
  readonly #sent: Map<NodeId, number> = new Map();

  constructor(metrics: RaftMetrics) {
    this.#metrics = metrics;
  }

  sent(messages: readonly Message[], now: number): void {
    for (const { type, to } of messages) {
      if (type !== MessageType.Heartbeat) continue;
      const before = this.#sent.get(to);
      if (before === undefined || now - before > STALE_MS) this.#sent.set(to, now);
    }
  }

  received(messages: readonly Message[], now: number): void {
    for (const { type, from } of messages) {
      if (type !== MessageType.HeartbeatResp) continue;
      const before = this.#sent.get(from);
      if (before === undefined) continue;
      this.#sent.delete(from);
      this.#metrics.observe("peer_round_trip_seconds", (now - before) / 1000, { peer: from });
    }
  }

  /** What was sent to a peer is lost. */
  lost(peer: NodeId): void {
    this.#sent.delete(peer);
  }
}
