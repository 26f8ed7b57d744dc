import { type Message, MessageType } from "../../index.js";
import { GrpcLane, type LaneBounds, type LaneOptions } from "./grpc-lane.js";
import { METHODS } from "./grpc-service.js";
import { sendSnapshot } from "./grpc-snapshots.js";

/** Votes, heartbeats, reads: small, and stale when old. */
const CONTROL_BOUNDS: LaneBounds = { messages: 4_096, bytes: 4 * 1024 * 1024 };
/** The core has at most 256 appends in flight to a member. */
const APPEND_BOUNDS: LaneBounds = { messages: 4_096, bytes: 64 * 1024 * 1024 };

export interface PeerOptions extends LaneOptions {
  readonly openSnapshot: (index: number) => AsyncIterable<Uint8Array>;
  readonly onSnapshot: (ok: boolean) => void;
}

/** All that goes out to one other member. */
export class GrpcPeer {
  readonly address: string;
  readonly #options: PeerOptions;
  readonly #control: GrpcLane;
  readonly #append: GrpcLane;
  readonly #stop = new AbortController();
  #sending = false;

  constructor(options: PeerOptions) {
    this.address = options.address;
    this.#options = options;
    this.#control = new GrpcLane(METHODS.control, options, CONTROL_BOUNDS);
    this.#append = new GrpcLane(METHODS.append, options, APPEND_BOUNDS);
  }

  send(message: Message): void {
    if (message.type === MessageType.Snap) this.#sendSnapshot(message);
    else if (APPENDS.has(message.type)) this.#append.send(message);
    else this.#control.send(message);
  }

  /** Sends what is queued, then ends. */
  close(): void {
    this.#stop.abort();
    this.#control.close();
    this.#append.close();
  }

  /** Ends at once. */
  destroy(): void {
    this.#stop.abort();
    this.#control.destroy();
    this.#append.destroy();
  }

  /** One at a time: the core sends another only after the first one's end was reported. */
  #sendSnapshot(message: Message): void {
    const { openSnapshot, onSnapshot } = this.#options;
    if (this.#sending) {
      setImmediate(onSnapshot, false);
      return;
    }
    this.#sending = true;
    const file = openSnapshot(message.snapshot!.metadata.index);
    sendSnapshot(this.#options, message, file, this.#stop.signal)
      .then(
        () => true,
        () => false,
      )
      .then((ok) => {
        this.#sending = false;
        onSnapshot(ok);
      });
  }
}

const APPENDS: ReadonlySet<MessageType> = new Set([
  MessageType.App,
  MessageType.AppResp,
  MessageType.Prop,
]);
