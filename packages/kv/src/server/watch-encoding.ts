import type { Buffer } from "node:buffer";
import type { WatchEvent } from "../api/types.js";
import type { WatchResponseHead } from "../codec/index.js";
import { encode, encodeEvents, writeWatchResponse } from "../codec/index.js";
import type { WatchBatch } from "../watch/types.js";

/** The encodings of one batch that were asked for. */
interface Encoded {
  events: Uint8Array | null;
  /** The newest whole response: many streams have their one watcher under the same id. */
  message: Buffer | null;
  watchId: number;
}

/** One encoding with the previous values and one without, kept as long as the hub's batch is. */
const encodings = [new WeakMap<WatchBatch, Encoded>(), new WeakMap<WatchBatch, Encoded>()];

function encodedOf(batch: WatchBatch, prevKv: boolean): Encoded {
  const cache = encodings[prevKv ? 1 : 0] as WeakMap<WatchBatch, Encoded>;
  let encoded = cache.get(batch);
  if (encoded === undefined) {
    encoded = { events: null, message: null, watchId: 0 };
    cache.set(batch, encoded);
  }
  return encoded;
}

/**
 * The response that carries a batch. The hub gives the same batch object to every watcher that
 * wants the same, so the events are encoded once for all of them.
 */
export function watchMessage(batch: WatchBatch, prevKv: boolean, head: WatchResponseHead): Buffer {
  if (batch.events.length === 0) return encode(writeWatchResponse, head);
  const encoded = encodedOf(batch, prevKv);
  if (encoded.message !== null && encoded.watchId === head.watchId) return encoded.message;
  encoded.events ??= encodeEvents(batch.events, prevKv);
  encoded.message = encode(writeWatchResponse, head, encoded.events);
  encoded.watchId = head.watchId;
  return encoded.message;
}

const splits = new WeakMap<WatchBatch, readonly WatchBatch[]>();

/**
 * A batch as one or more of at most about `maxBytes` each, cut between revisions: one revision is
 * never split here, however large it is. Worked out once for all watchers that get the batch.
 */
export function splitBatch(batch: WatchBatch, maxBytes: number): readonly WatchBatch[] {
  let split = splits.get(batch);
  if (split === undefined) {
    split = cutBetweenRevisions(batch, maxBytes);
    splits.set(batch, split);
  }
  return split;
}

function cutBetweenRevisions(batch: WatchBatch, maxBytes: number): readonly WatchBatch[] {
  const parts: WatchBatch[] = [];
  let events: WatchEvent[] = [];
  let bytes = 0;
  for (const event of batch.events) {
    const last = events.at(-1);
    const size = eventBytes(event, true);
    const revision = last?.kv.modRevision;
    if (revision !== undefined && revision < event.kv.modRevision && bytes + size > maxBytes) {
      parts.push({ revision, events });
      events = [];
      bytes = 0;
    }
    events.push(event);
    bytes += size;
  }
  if (parts.length === 0) return [batch];
  parts.push({ revision: batch.revision, events });
  return parts;
}

/** A batch's events in pieces of at most `maxBytes` each, or of one event where that is larger. */
export function eventPieces(batch: WatchBatch, prevKv: boolean, maxBytes: number): Buffer[] {
  const pieces: Buffer[] = [];
  let piece: WatchEvent[] = [];
  let bytes = 0;
  for (const event of batch.events) {
    const size = eventBytes(event, prevKv);
    if (piece.length > 0 && bytes + size > maxBytes) {
      pieces.push(encodeEvents(piece, prevKv));
      piece = [];
      bytes = 0;
    }
    piece.push(event);
    bytes += size;
  }
  if (piece.length > 0) pieces.push(encodeEvents(piece, prevKv));
  return pieces;
}

/** At most what the event takes on the wire: its bytes and a bound on its numbers and tags. */
function eventBytes({ kv, prevKv }: WatchEvent, withPrevKv: boolean): number {
  const previous = withPrevKv && prevKv !== null ? prevKv.key.length + prevKv.value.length + 80 : 0;
  return kv.key.length + kv.value.length + 100 + previous;
}
