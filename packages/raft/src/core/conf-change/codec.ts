import { RaftError } from "../errors.js";
import { NO_DATA } from "../log/entry.js";
import {
  type ConfChange,
  type ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  type ConfChangeTransition as Transition,
} from "../types.js";

// Protobuf's wire format of raftpb.ConfChangeV2 (raft.proto): a tag is field << 3 | wire type.
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const TRANSITION = 1;
const CHANGES = 2;
const CONTEXT = 3;
const CHANGE_TYPE = 1;
const CHANGE_NODE = 2;

function pushVarint(out: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
}

function pushField(out: number[], field: number, value: number): void {
  if (value === 0) return;
  pushVarint(out, (field << 3) | VARINT);
  pushVarint(out, value);
}

function pushBytes(out: number[], field: number, bytes: ArrayLike<number>): void {
  pushVarint(out, (field << 3) | BYTES);
  pushVarint(out, bytes.length);
  for (let i = 0; i < bytes.length; i++) out.push(bytes[i]!);
}

/**
 * The data of an entry that changes the configuration: `raftpb.ConfChangeV2` in protobuf, zeros
 * left out. Leaving a joint configuration (no changes, no context) is no bytes at all.
 */
export function encodeConfChange(change: ConfChange): Uint8Array {
  const out: number[] = [];
  pushField(out, TRANSITION, change.transition);
  for (const { type, nodeId } of change.changes) {
    const single: number[] = [];
    pushField(single, CHANGE_TYPE, type);
    pushField(single, CHANGE_NODE, nodeId);
    pushBytes(out, CHANGES, single);
  }
  if (change.context.length > 0) pushBytes(out, CONTEXT, change.context);
  return out.length === 0 ? NO_DATA : Uint8Array.from(out);
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

function decodeSingle(bytes: Uint8Array): ConfChangeSingle {
  const reader = new Reader(bytes);
  let type = 0;
  let nodeId = 0;
  while (reader.next()) {
    if (reader.field === CHANGE_TYPE) type = reader.number();
    else if (reader.field === CHANGE_NODE) nodeId = reader.number();
    else reader.skip();
  }
  if (type > ConfChangeType.AddLearnerNode) malformed(`change type ${type} is unknown`);
  return { type: type as ConfChangeType, nodeId };
}

/**
 * Reads what {@link encodeConfChange} wrote (and what etcd's raft writes for a `ConfChangeV2`).
 * Throws `invalid-config` on anything else. The context is a view of `bytes`.
 */
export function decodeConfChange(bytes: Uint8Array): ConfChange {
  const reader = new Reader(bytes);
  let transition = 0;
  let context = NO_DATA;
  const changes: ConfChangeSingle[] = [];
  while (reader.next()) {
    if (reader.field === TRANSITION) transition = reader.number();
    else if (reader.field === CHANGES) changes.push(decodeSingle(reader.bytes()));
    else if (reader.field === CONTEXT) context = reader.bytes();
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
