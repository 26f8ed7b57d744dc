import { Client } from "@grpc/grpc-js";
import { MessageType } from "../../index.js";
import { type Addressed, GrpcLane, type LaneBounds, type LaneOptions } from "./grpc-lane.js";
import { channelCredentials, METHODS } from "./grpc-service.js";
import { sendSnapshot } from "./snapshot-sender.js";

/** Votes, heartbeats, reads: small, and stale when old. */
const CONTROL_BOUNDS: LaneBounds = { messages: 4_096, bytes: 4 * 1024 * 1024 };
/** The core has at most 256 appends in flight to a member. */
const APPEND_BOUNDS: LaneBounds = { messages: 4_096, bytes: 64 * 1024 * 1024 };
/** Snapshots on their way to one peer, of different groups, at most. */
const MAX_SNAPSHOTS = 2;

/** The end of sending a group's snapshot. */
export interface SnapshotOutcome {
  readonly group: number;
  readonly ok: boolean;
  /** Bytes handed to the network, those that were sent again included. */
  readonly bytes: number;
  readonly ms: number;
}

export interface PeerOptions extends LaneOptions {
  readonly openSnapshot: (group: number, index: number, from: number) => AsyncIterable<Uint8Array>;
  readonly onSnapshot: (outcome: SnapshotOutcome) => void;
}

/** All that goes out to one other member, of all groups. */
export class GrpcPeer {
  readonly address: string;
  readonly #options: PeerOptions;
  readonly #control: GrpcLane;
  readonly #append: GrpcLane;
  /** The snapshots' own connection, while there are any. */
  #snapshots: Client | null = null;
  readonly #sending: Map<number, AbortController> = new Map();

  constructor(options: PeerOptions) {
    this.address = options.address;
    this.#options = options;
    this.#control = new GrpcLane(METHODS.control, options, CONTROL_BOUNDS);
    this.#append = new GrpcLane(METHODS.append, options, APPEND_BOUNDS);
  }

  send(addressed: Addressed): void {
    const { type } = addressed.message;
    if (type === MessageType.Snap) this.#sendSnapshot(addressed);
    else if (APPENDS.has(type)) this.#append.send(addressed);
    else this.#control.send(addressed);
  }

  /** A group sends nothing more. */
  leave(group: number): void {
    this.#sending.get(group)?.abort();
  }

  /** Sends what is queued, then ends. */
  close(): void {
    this.#abortSnapshots();
    this.#control.close();
    this.#append.close();
  }

  /** Ends at once. */
  destroy(): void {
    this.#abortSnapshots();
    this.#control.destroy();
    this.#append.destroy();
  }

  #abortSnapshots(): void {
    for (const controller of this.#sending.values()) controller.abort();
  }

  /** One a group: the core sends another only after the first one's end was reported. */
  #sendSnapshot({ group, message }: Addressed): void {
    const { onSnapshot } = this.#options;
    if (this.#sending.has(group) || this.#sending.size >= MAX_SNAPSHOTS) {
      setImmediate(onSnapshot, { group, ok: false, bytes: 0, ms: 0 });
      return;
    }
    const begun = performance.now();
    const end = (bytes: number, ok: boolean): void => {
      this.#sending.delete(group);
      if (this.#sending.size === 0) {
        this.#snapshots?.close();
        this.#snapshots = null;
      }
      onSnapshot({ group, ok, bytes, ms: performance.now() - begun });
    };
    const controller = new AbortController();
    this.#sending.set(group, controller);
    let bytes = 0;
    this.#transfer({ group, message }, controller.signal, (count) => {
      bytes += count;
    }).then(
      () => end(bytes, true),
      () => end(bytes, false),
    );
  }

  async #transfer(
    { group, message }: Addressed,
    signal: AbortSignal,
    onSent: (bytes: number) => void,
  ): Promise<void> {
    const { clusterId, id, peer, address, tls, channel, openSnapshot } = this.#options;
    const { index } = message.snapshot!.metadata;
    const agreement = await this.#control.agreed();
    signal.throwIfAborted();
    this.#snapshots ??= new Client(address, channelCredentials(tls), channel);
    await sendSnapshot({
      client: this.#snapshots,
      clusterId,
      id,
      peer,
      agreement,
      group,
      message,
      open: (from) => openSnapshot(group, index, from),
      signal,
      onSent,
    });
  }
}

const APPENDS: ReadonlySet<MessageType> = new Set([
  MessageType.App,
  MessageType.AppResp,
  MessageType.Prop,
]);
