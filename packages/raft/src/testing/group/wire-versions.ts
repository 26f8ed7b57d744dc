import type { Message } from "../../core/types.js";
import { fromCbor, toCbor } from "../../node/transport/cbor.js";
import { decodeEnvelope, encodeEnvelope } from "../../node/transport/wire.js";

/** Fields that this version does not know, at the end of an array. */
const UNKNOWN: readonly unknown[] = ["of a later version", [1, 2]];

/** Places of an envelope's and a message's fields that are looked into; see `transport/wire.ts`. */
const MESSAGES = 5;
const ENTRIES = 6;
const SNAPSHOT = 9;
const CONF_STATE = 2;

/** A message as bytes on the real wire; a `newer` member's arrays have fields that others ignore. */
export function toWire(message: Message, newer: boolean): Uint8Array {
  const { from, to } = message;
  const bytes = encodeEnvelope({ clusterId: "simulated", group: 0, from, to, messages: [message] });
  if (!newer) return Uint8Array.from(bytes);
  const fields = fromCbor(bytes) as unknown[];
  fields[MESSAGES] = (fields[MESSAGES] as unknown[][]).map(extendMessage);
  return toCbor([...fields, ...UNKNOWN]);
}

export function fromWire(bytes: Uint8Array): Message {
  return decodeEnvelope(bytes).messages[0]!;
}

function extendMessage(fields: unknown[]): unknown[] {
  const message = [...fields];
  message[ENTRIES] = (fields[ENTRIES] as unknown[][]).map((entry) => [...entry, ...UNKNOWN]);
  const snapshot = fields[SNAPSHOT] as unknown[] | null;
  if (snapshot !== null) {
    const extended = [...snapshot];
    extended[CONF_STATE] = [...(snapshot[CONF_STATE] as unknown[]), ...UNKNOWN];
    message[SNAPSHOT] = [...extended, ...UNKNOWN];
  }
  return [...message, ...UNKNOWN];
}
