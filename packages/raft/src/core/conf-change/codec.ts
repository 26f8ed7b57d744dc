import { RaftError } from "../errors.js";
import { NO_DATA } from "../log/entry.js";
import {
  type ConfChange,
  type ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  EntryType,
  type ConfChangeTransition as Transition,
} from "../types.js";

// Protobuf's wire format (raft.proto): a tag is field << 3 | wire type.
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
/** Fields of `raftpb.ConfChangeV2`. */
const V2 = { transition: 1, changes: 2, context: 3 } as const;
/** Fields of `raftpb.ConfChangeSingle`. */
const SINGLE = { type: 1, nodeId: 2 } as const;
/** Fields of `raftpb.ConfChange`, the older kind: one change, at once. */
const V1 = { type: 2, nodeId: 3, context: 4 } as const;

/** Which of the two encodings an entry's type calls for. */
export type ConfChangeEntryType = typeof EntryType.ConfChange | typeof EntryType.ConfChangeV2;

function pushVarint(out: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
}

function pushNumber(out: number[], field: number, value: number): void {
  pushVarint(out, (field << 3) | VARINT);
  pushVarint(out, value);
}

function pushBytes(out: number[], field: number, bytes: ArrayLike<number>): void {
  pushVarint(out, (field << 3) | BYTES);
  pushVarint(out, bytes.length);
  for (let i = 0; i < bytes.length; i++) out.push(bytes[i]!);
}

/**
 * The data of an entry that changes the configuration, as etcd's raft writes it: protobuf's
 * `raftpb.ConfChangeV2`, or for entries of the older kind `raftpb.ConfChange`, which holds one
 * change and no transition (else `invalid-config` is thrown).
 */
export function encodeConfChange(
  change: ConfChange,
  entryType: ConfChangeEntryType = EntryType.ConfChangeV2,
): Uint8Array {
  const out: number[] = [];
  if (entryType === EntryType.ConfChange) pushV1(out, change);
  else pushV2(out, change);
  return Uint8Array.from(out);
}

function pushV1(out: number[], { changes, transition, context }: ConfChange): void {
  const [single] = changes;
  if (single === undefined || changes.length > 1 || transition !== ConfChangeTransition.Auto) {
    throw new RaftError(
      "invalid-config",
      "a configuration change of the older kind holds one change and no transition",
    );
  }
  pushNumber(out, V1.type, single.type);
  pushNumber(out, V1.nodeId, single.nodeId);
  if (context.length > 0) pushBytes(out, V1.context, context);
}

function pushV2(out: number[], { changes, transition, context }: ConfChange): void {
  pushNumber(out, V2.transition, transition);
  for (const { type, nodeId } of changes) {
    const single: number[] = [];
    pushNumber(single, SINGLE.type, type);
    pushNumber(single, SINGLE.nodeId, nodeId);
    pushBytes(out, V2.changes, single);
  }
  if (context.length > 0) pushBytes(out, V2.context, context);
}

/** Reads fields one by one; unknown ones are skipped. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  field = 0;
  #wire = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): boolean {
    if (this.#at === this.#bytes.length) return false;
    const tag = this.varint();
    this.field = Math.floor(tag / 8);
    this.#wire = tag % 8;
    return true;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) malformed("it ends within a number");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) malformed("a number is over 2^53 - 1");
        return value;
      }
    }
    return malformed("a number is over 2^53 - 1");
  }

  number(): number {
    if (this.#wire !== VARINT) malformed(`field ${this.field} is no number`);
    return this.varint();
  }

  bytes(): Uint8Array {
    if (this.#wire !== BYTES) malformed(`field ${this.field} holds no bytes`);
    return this.#take(this.varint());
  }

  skip(): void {
    if (this.#wire === VARINT) this.varint();
    else if (this.#wire === BYTES) this.#take(this.varint());
    else if (this.#wire === FIXED64) this.#take(8);
    else if (this.#wire === FIXED32) this.#take(4);
    else malformed(`wire type ${this.#wire} is unknown`);
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) malformed(`field ${this.field} is cut off`);
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

function malformed(why: string): never {
  throw new RaftError("invalid-config", `malformed configuration change: ${why}`);
}

function changeType(value: number): ConfChangeType {
  if (value > ConfChangeType.AddLearnerNode) malformed(`change type ${value} is unknown`);
  return value as ConfChangeType;
}

function decodeSingle(bytes: Uint8Array): ConfChangeSingle {
  const reader = new Reader(bytes);
  let type = 0;
  let nodeId = 0;
  while (reader.next()) {
    if (reader.field === SINGLE.type) type = reader.number();
    else if (reader.field === SINGLE.nodeId) nodeId = reader.number();
    else reader.skip();
  }
  return { type: changeType(type), nodeId };
}

/**
 * Reads what {@link encodeConfChange} or etcd's raft wrote into an entry of this type; no bytes
 * leave a joint configuration. Throws `invalid-config` on anything else. The context is a view of
 * `bytes`.
 */
export function decodeConfChange(
  bytes: Uint8Array,
  entryType: EntryType = EntryType.ConfChangeV2,
): ConfChange {
  return entryType === EntryType.ConfChange ? decodeV1(bytes) : decodeV2(bytes);
}

function decodeV1(bytes: Uint8Array): ConfChange {
  const reader = new Reader(bytes);
  let type = 0;
  let nodeId = 0;
  let context = NO_DATA;
  while (reader.next()) {
    if (reader.field === V1.type) type = reader.number();
    else if (reader.field === V1.nodeId) nodeId = reader.number();
    else if (reader.field === V1.context) context = reader.bytes();
    else reader.skip();
  }
  const changes = [{ type: changeType(type), nodeId }];
  return { transition: ConfChangeTransition.Auto, changes, context };
}

function decodeV2(bytes: Uint8Array): ConfChange {
  const reader = new Reader(bytes);
  let transition = 0;
  let context = NO_DATA;
  const changes: ConfChangeSingle[] = [];
  while (reader.next()) {
    if (reader.field === V2.transition) transition = reader.number();
    else if (reader.field === V2.changes) changes.push(decodeSingle(reader.bytes()));
    else if (reader.field === V2.context) context = reader.bytes();
    else reader.skip();
  }
  if (transition > ConfChangeTransition.JointExplicit) {
    malformed(`transition ${transition} is unknown`);
  }
  return { transition: transition as Transition, changes, context };
}

/** True for the change that leaves a joint configuration. */
export function leavesJoint(change: ConfChange): boolean {
  return change.transition === ConfChangeTransition.Auto && change.changes.length === 0;
}

/** True for a change that goes through a joint configuration: asked for, or of several members. */
export function entersJoint(change: ConfChange): boolean {
  return change.transition !== ConfChangeTransition.Auto || change.changes.length > 1;
}
