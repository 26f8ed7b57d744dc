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
import { type Agreement, Feature, has, PROTOCOL } from "./handshake.js";

const MESSAGE_TYPES: ReadonlySet<number> = new Set(Object.values(MessageType));
const ENTRY_TYPES: ReadonlySet<number> = new Set(Object.values(EntryType));
const NO_RESPONSES: readonly Message[] = [];

/** Messages of one member to one other, in one group. */
export interface Envelope {
  readonly clusterId: string;
  readonly group: number;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly messages: readonly Message[];
}

/** `[version, clusterId, group, from, to, messages]`: fields are only ever appended. */
export function encodeEnvelope(envelope: Envelope, version: number = PROTOCOL.maxVersion): Buffer {
  return toCborSlice(envelopeFields(envelope, version));
}

/**
 * The entries' data are views into `bytes`, which the caller must have to itself. Fields beyond
 * the known ones come from newer versions and are ignored; an unknown message or entry type is not.
 */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  return envelopeFromFields(fromCbor(bytes));
}

/** Where the peer takes several groups at once, an array of envelopes; else one after the other. */
export function encodeFrames(envelopes: readonly Envelope[], agreement: Agreement): Buffer[] {
  const all = envelopes.map((envelope) => envelopeFields(envelope, agreement.version));
  if (all.length === 1 || !has(agreement, Feature.Groups))
    return all.map((fields) => toCborSlice(fields));
  return [toCborSlice(all)];
}

/** The envelopes in what came on a stream; of their data see {@link decodeEnvelope}. */
export function decodeFrame(bytes: Uint8Array): Envelope[] {
  const value = asArray(fromCbor(bytes), 1, "frame");
  return Array.isArray(value[0]) ? value.map(envelopeFromFields) : [envelopeFromFields(value)];
}

function envelopeFields(envelope: Envelope, version: number): unknown[] {
  const { clusterId, group, from, to, messages } = envelope;
  return [version, clusterId, group, from, to, messages.map(messageFields)];
}

function envelopeFromFields(value: unknown): Envelope {
  const fields = asArray(value, 6, "envelope");
  const group = asNumber(fields[2], "group");
  if (group < 0) throw new TypeError(`group ${group} is no group`);
  return {
    clusterId: asString(fields[1], "cluster id"),
    group,
    from: asNumber(fields[3], "from"),
    to: asNumber(fields[4], "to"),
    messages: asArray(fields[5], 0, "messages").map(messageFromFields),
  };
}

/*
 * What comes back on a stream after the handshake: `[1, groups]` names the groups that the receiver
 * does not know. Other kinds are newer and ignored.
 */
const UNKNOWN_GROUPS = 1;

export function encodeUnknownGroups(groups: readonly number[]): Buffer {
  return toCborSlice([UNKNOWN_GROUPS, groups]);
}

/** The groups that the peer does not know; none where it tells something else. */
export function decodeUnknownGroups(bytes: Uint8Array): number[] {
  const [kind, groups] = asArray(fromCbor(bytes), 1, "answer");
  if (kind !== UNKNOWN_GROUPS) return [];
  return asArray(groups, 0, "groups").map((group) => asNumber(group, "group"));
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
