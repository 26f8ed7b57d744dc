import { type ChannelOptions, Client, type ClientDuplexStream, status } from "@grpc/grpc-js";
import { type Message, type NodeId, RaftError } from "../../index.js";
import { asIs, channelCredentials, type TlsOptions } from "./grpc-service.js";
import { type Agreement, agree, decodeHello, encodeHello, helloOf } from "./handshake.js";
import { decodeUnknownGroups, type Envelope, encodeFrames, wireSize } from "./wire.js";

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
  readonly id: NodeId;
  readonly peer: NodeId;
  readonly address: string;
  readonly channel: ChannelOptions;
  readonly tls: TlsOptions | undefined;
  readonly onRefused: (error: RaftError) => void;
  /** The stream broke: what was sent last may be lost. */
  readonly onBroken: () => void;
  /** A message was dropped: it was not sent. */
  readonly onDropped: (message: Addressed) => void;
  /** The peer does not know these groups: what was sent for them is lost. */
  readonly onUnknown: (groups: readonly number[]) => void;
  /** So many bytes of messages were sent. */
  readonly onSent: (bytes: number) => void;
}

/** A message and the group that it belongs to. */
export interface Addressed {
  readonly group: number;
  readonly message: Message;
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
  /** What both sides can, once the peer has answered. */
  #agreement: Agreement | null = null;
  /** Who waits for that; null for an attempt that failed. */
  #curious: ((agreement: Agreement | null) => void)[] = [];
  #blocked = false;
  #queue: Addressed[] = [];
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

  /** What both sides can; rejects when this attempt to connect fails. */
  async agreed(): Promise<Agreement> {
    if (this.#agreement) return this.#agreement;
    if (this.#closed) throw new RaftError("stopped", "the connection is closed");
    const agreement = await new Promise<Agreement | null>((resolve) => this.#curious.push(resolve));
    if (agreement) return agreement;
    throw new RaftError("unavailable", `member ${this.#options.peer} cannot be reached`);
  }

  /** Queues a message for this turn's envelope. */
  send(addressed: Addressed): void {
    const size = wireSize(addressed.message);
    const { messages, bytes } = this.#bounds;
    const full = this.#queue.length >= messages || this.#bytes + size > bytes;
    if (full && this.#queue.length > 0) {
      this.#options.onDropped(addressed);
      return;
    }
    this.#queue.push(addressed);
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
    this.#tellCurious();
    if (this.#timer) clearTimeout(this.#timer);
    const call = this.#call;
    if (!call || !this.#agreement) {
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
    this.#tellCurious();
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
      call.on("data", (answer: Buffer) => this.#answered(answer, call));
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
    call.write(encodeHello(helloOf(clusterId, id, peer)));
  }

  #greeted(bytes: Buffer, call: ClientDuplexStream<Buffer, Buffer>): void {
    const { clusterId, id, peer } = this.#options;
    try {
      const theirs = decodeHello(bytes);
      const agreement = agree(theirs, { clusterId, id });
      if (theirs.from !== peer) {
        const message = `at ${this.#options.address} is member ${theirs.from}, not ${peer}`;
        throw new RaftError("wrong-cluster", message);
      }
      this.#agreement = agreement;
      this.#tellCurious();
    } catch (error) {
      const refused = RaftError.is(error) ? error : new RaftError("invalid-config", String(error));
      this.#options.onRefused(refused);
      this.#backoff = REFUSED_BACKOFF_MS;
      call.cancel();
      return;
    }
    this.#flush();
  }

  #tellCurious(): void {
    for (const tell of this.#curious.splice(0)) tell(this.#agreement);
  }

  #answered(bytes: Buffer, call: ClientDuplexStream<Buffer, Buffer>): void {
    try {
      const groups = decodeUnknownGroups(bytes);
      if (groups.length > 0) this.#options.onUnknown(groups);
    } catch {
      call.cancel();
    }
  }

  /** Tries again after a while, with some spread so that members do not dial in step. */
  #broken(refusal: string | null): void {
    const wasReady = this.#agreement !== null;
    this.#call = null;
    this.#agreement = null;
    this.#tellCurious();
    this.#blocked = false;
    if (this.#closed) return;
    if (wasReady) this.#options.onBroken();
    for (const addressed of this.#queue) this.#options.onDropped(addressed);
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
    const { clusterId, id: from, peer: to, onSent } = this.#options;
    let start = 0;
    while (start < this.#queue.length && this.#agreement && !this.#blocked && this.#call) {
      let end = start;
      let size = 0;
      do {
        size += wireSize(this.#queue[end]!.message);
        end++;
      } while (
        end < this.#queue.length &&
        size + wireSize(this.#queue[end]!.message) <= ENVELOPE_BYTES
      );
      const groups = byGroup(this.#queue.slice(start, end));
      const envelopes = Array.from(groups, ([group, messages]): Envelope => {
        return { clusterId, group, from, to, messages };
      });
      for (const bytes of encodeFrames(envelopes, this.#agreement)) {
        this.#blocked = !this.#call.write(bytes);
        onSent(bytes.length);
      }
      this.#bytes -= size;
      start = end;
    }
    if (start > 0) this.#queue = this.#queue.slice(start);
  }
}

/** Each group's messages in their order. */
function byGroup(queue: readonly Addressed[]): Map<number, Message[]> {
  const groups = new Map<number, Message[]>();
  for (const { group, message } of queue) {
    const messages = groups.get(group);
    if (messages) messages.push(message);
    else groups.set(group, [message]);
  }
  return groups;
}
