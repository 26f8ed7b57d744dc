import {
  type Entry,
  EntryType,
  type Message,
  MessageType,
  type NodeId,
  type Snapshot,
} from "../../index.js";
import { confStateFields, confStateFromFields } from "../group/members.js";
import { asArray, asBoolean, asBytes, asNumber, asString, fromCbor, toCborSlice } from "./cbor.js";

/** Versions of the wire that this program speaks. */
export const WIRE_VERSIONS: { readonly min: number; readonly max: number } = { min: 1, max: 1 };
/** Optional abilities, as bits; none so far. */
export const WIRE_FEATURES = 0;

const MESSAGE_TYPES: ReadonlySet<number> = new Set(Object.values(MessageType));
const ENTRY_TYPES: ReadonlySet<number> = new Set(Object.values(EntryType));
const NO_RESPONSES: readonly Message[] = [];

/** First on each stream, both ways. */
export interface Hello {
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly features: number;
  readonly clusterId: string;
  readonly from: NodeId;
  readonly to: NodeId;
}

/** What follows: messages of one member to one other. */
export interface Envelope {
  readonly clusterId: string;
  readonly group: number;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly messages: readonly Message[];
}

export function encodeHello(hello: Hello): Buffer {
  const { minVersion, maxVersion, features, clusterId, from, to } = hello;
  return toCborSlice([minVersion, maxVersion, features, clusterId, from, to]);
}

export function decodeHello(bytes: Uint8Array): Hello {
  const fields = asArray(fromCbor(bytes), 6, "hello");
  return {
    minVersion: asNumber(fields[0], "minimum version"),
    maxVersion: asNumber(fields[1], "maximum version"),
    features: asNumber(fields[2], "features"),
    clusterId: asString(fields[3], "cluster id"),
    from: asNumber(fields[4], "from"),
    to: asNumber(fields[5], "to"),
  };
}

export function encodeEnvelope(envelope: Envelope): Buffer {
  const { clusterId, group, from, to, messages } = envelope;
  return toCborSlice([WIRE_VERSIONS.max, clusterId, group, from, to, messages.map(messageFields)]);
}

/**
 * The entries' data are views into `bytes`, which the caller must have to itself. Fields beyond
 * the known ones come from newer versions and are ignored; an unknown message or entry type is not.
 */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const fields = asArray(fromCbor(bytes), 6, "envelope");
  return {
    clusterId: asString(fields[1], "cluster id"),
    group: asNumber(fields[2], "group"),
    from: asNumber(fields[3], "from"),
    to: asNumber(fields[4], "to"),
    messages: asArray(fields[5], 0, "messages").map(messageFromFields),
  };
}

/** Bytes that a message takes on the wire, roughly. */
export function wireSize(message: Message): number {
  let size = 96;
  for (const entry of message.entries) size += 24 + entry.data.length;
  return size;
}

/** All but `responses`, which never leaves a member. */
function messageFields(message: Message): unknown[] {
  return [
    message.type,
    message.to,
    message.from,
    message.term,
    message.logTerm,
    message.index,
    message.entries.map(({ term, index, type, data }) => [term, index, type, data]),
    message.commit,
    message.vote,
    message.snapshot && snapshotFields(message.snapshot),
    message.reject,
    message.rejectHint,
    message.context,
    message.priority,
  ];
}

function messageFromFields(value: unknown): Message {
  const fields = asArray(value, 13, "message");
  const type = asNumber(fields[0], "message type");
  if (!MESSAGE_TYPES.has(type)) throw new TypeError(`message type ${type} is unknown`);
  return {
    type: type as MessageType,
    to: asNumber(fields[1], "to"),
    from: asNumber(fields[2], "from"),
    term: asNumber(fields[3], "term"),
    logTerm: asNumber(fields[4], "logTerm"),
    index: asNumber(fields[5], "index"),
    entries: asArray(fields[6], 0, "entries").map(entryFromFields),
    commit: asNumber(fields[7], "commit"),
    vote: asNumber(fields[8], "vote"),
    snapshot: fields[9] === null ? null : snapshotFromFields(fields[9]),
    reject: asBoolean(fields[10], "reject"),
    rejectHint: asNumber(fields[11], "rejectHint"),
    context: fields[12] === null ? null : asBytes(fields[12], "context"),
    // Absent from members that know no priorities.
    priority: fields.length > 13 ? asNumber(fields[13], "priority") : 0,
    responses: NO_RESPONSES,
  };
}

function entryFromFields(value: unknown): Entry {
  const fields = asArray(value, 4, "entry");
  const type = asNumber(fields[2], "entry type");
  if (!ENTRY_TYPES.has(type)) throw new TypeError(`entry type ${type} is unknown`);
  return {
    term: asNumber(fields[0], "entry term"),
    index: asNumber(fields[1], "entry index"),
    type: type as EntryType,
    data: asBytes(fields[3], "entry data"),
  };
}

function snapshotFields({ metadata, data }: Snapshot): unknown[] {
  return [metadata.index, metadata.term, confStateFields(metadata.confState), data];
}

function snapshotFromFields(value: unknown): Snapshot {
  const fields = asArray(value, 4, "snapshot");
  return {
    metadata: {
      index: asNumber(fields[0], "snapshot index"),
      term: asNumber(fields[1], "snapshot term"),
      confState: confStateFromFields(fields[2]),
    },
    data: Uint8Array.from(asBytes(fields[3], "snapshot data")),
  };
}
