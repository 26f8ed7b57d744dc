import { type ChannelOptions, Client, type ClientDuplexStream, status } from "@grpc/grpc-js";
import { type Message, type NodeId, RaftError } from "../../index.js";
import { asIs, channelCredentials, checkHello, hello, type TlsOptions } from "./grpc-service.js";
import { decodeHello, encodeEnvelope, encodeHello, wireSize } from "./wire.js";

/** Bytes of messages in one envelope, but for a larger single message. */
const ENVELOPE_BYTES = 1024 * 1024;
/** On top of the channel's own: both together stay below half a second. */
const BACKOFF_MS = 100;
/** A refused peer has a wrong configuration, which does not pass in half a second. */
const REFUSED_BACKOFF_MS = 2_000;
const HANDSHAKE_MS = 2_000;
const CLOSE_MS = 500;

/** What all lanes to a peer share. */
export interface LaneOptions {
  readonly clusterId: string;
  readonly group: number;
  readonly id: NodeId;
  readonly peer: NodeId;
  readonly address: string;
  readonly channel: ChannelOptions;
  readonly tls: TlsOptions | undefined;
  readonly onRefused: (error: RaftError) => void;
  /** Something was dropped. */
  readonly onDropped: () => void;
}

/** Bounds of one lane's queue. */
export interface LaneBounds {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * One stream to one peer, on a connection of its own, opened again whenever it breaks. What is
 * sent in one turn of the event loop shares an envelope. Without a connection messages wait, within
 * the bounds, for the next attempt, and are dropped when it fails; a full queue drops as well.
 */
export class GrpcLane {
  readonly #path: string;
  readonly #options: LaneOptions;
  readonly #bounds: LaneBounds;
  readonly #client: Client;
  #call: ClientDuplexStream<Buffer, Buffer> | null = null;
  #ready = false;
  #blocked = false;
  #queue: Message[] = [];
  #bytes = 0;
  #flushing = false;
  #backoff = BACKOFF_MS;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(path: string, options: LaneOptions, bounds: LaneBounds) {
    this.#path = path;
    this.#options = options;
    this.#bounds = bounds;
    const { address, tls, channel } = options;
    this.#client = new Client(address, channelCredentials(tls), channel);
    this.#open();
  }

  /** Queues a message for this turn's envelope. */
  send(message: Message): void {
    const size = wireSize(message);
    const { messages, bytes } = this.#bounds;
    const full = this.#queue.length >= messages || this.#bytes + size > bytes;
    if (full && this.#queue.length > 0) {
      this.#options.onDropped();
      return;
    }
    this.#queue.push(message);
    this.#bytes += size;
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  /** Sends what is queued, then ends; a removed member thus learns of its removal. */
  close(): void {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    const call = this.#call;
    if (!call || !this.#ready) {
      call?.cancel();
      this.#client.close();
      return;
    }
    call.end();
    const timer = setTimeout(() => call.cancel(), CLOSE_MS).unref();
    call.on("status", () => {
      clearTimeout(timer);
      this.#client.close();
    });
  }

  /** Ends at once. */
  destroy(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#call?.cancel();
    this.#client.close();
  }

  #open(): void {
    const { clusterId, id, peer } = this.#options;
    const call = this.#client.makeBidiStreamRequest<Buffer, Buffer>(this.#path, asIs, asIs);
    this.#call = call;
    const timer = setTimeout(() => call.cancel(), HANDSHAKE_MS).unref();
    call.once("data", (bytes: Buffer) => {
      clearTimeout(timer);
      this.#greeted(bytes, call);
      // Nothing else comes this way yet; what newer versions send is read and ignored.
      call.resume();
    });
    call.on("drain", () => {
      this.#blocked = false;
      this.#flush();
    });
    call.on("error", () => {});
    call.on("status", ({ code, details }) => {
      clearTimeout(timer);
      this.#broken(code === status.FAILED_PRECONDITION ? details : null);
    });
    call.write(encodeHello(hello(clusterId, id, peer)));
  }

  #greeted(bytes: Buffer, call: ClientDuplexStream<Buffer, Buffer>): void {
    const { clusterId, id, peer } = this.#options;
    try {
      const theirs = decodeHello(bytes);
      checkHello(theirs, { clusterId, id });
      if (theirs.from !== peer) {
        const message = `at ${this.#options.address} is member ${theirs.from}, not ${peer}`;
        throw new RaftError("wrong-cluster", message);
      }
    } catch (error) {
      const refused = RaftError.is(error) ? error : new RaftError("invalid-config", String(error));
      this.#options.onRefused(refused);
      this.#backoff = REFUSED_BACKOFF_MS;
      call.cancel();
      return;
    }
    this.#ready = true;
    this.#flush();
  }

  /** Tries again after a while, with some spread so that members do not dial in step. */
  #broken(refusal: string | null): void {
    const wasReady = this.#ready;
    this.#call = null;
    this.#ready = false;
    this.#blocked = false;
    if (this.#closed) return;
    if (wasReady || this.#queue.length > 0) this.#options.onDropped();
    this.#queue = [];
    this.#bytes = 0;
    if (refusal !== null) {
      this.#options.onRefused(new RaftError("wrong-cluster", refusal));
      this.#backoff = REFUSED_BACKOFF_MS;
    }
    const wait = this.#backoff * (0.75 + Math.random() / 4);
    this.#backoff = BACKOFF_MS;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#closed) this.#open();
    }, wait);
    this.#timer.unref();
  }

  #flush(): void {
    const { clusterId, group, id: from, peer: to } = this.#options;
    let start = 0;
    while (start < this.#queue.length && this.#ready && !this.#blocked && this.#call) {
      let end = start;
      let size = 0;
      do {
        size += wireSize(this.#queue[end]!);
        end++;
      } while (end < this.#queue.length && size + wireSize(this.#queue[end]!) <= ENVELOPE_BYTES);
      const messages = this.#queue.slice(start, end);
      const bytes = encodeEnvelope({ clusterId, group, from, to, messages });
      this.#blocked = !this.#call.write(bytes);
      this.#bytes -= size;
      start = end;
    }
    if (start > 0) this.#queue = this.#queue.slice(start);
  }
}
