import type { Codec } from "@flotilla/raft/node";
import { KvError } from "../api/errors.js";
import type { Author, Command, LeaseId, PlainCommand } from "../api/types.js";
import { readAuthAction, writeAuthAction } from "./auth.js";
import { readCompactionRequest, writeCompactionRequest } from "./compact.js";
import { readLeaseGrantRequest, writeLeaseGrantRequest } from "./lease.js";
import { readDeleteRequest, readPutRequest, writeDeleteRequest, writePutRequest } from "./put.js";
import { Reader } from "./reader.js";
import { readTxnRequest, writeTxnRequest } from "./txn.js";
import type { Writer } from "./writer.js";
import { encode } from "./writer.js";

/** Written in front of every command; a member refuses what a newer version has written. */
const VERSION = 1;
const TYPES = [
  "put",
  "delete",
  "txn",
  "compact",
  "lease-grant",
  "lease-revoke",
  "auth",
  "authored",
] as const;

function writeRevoke(writer: Writer, id: LeaseId, term: number | undefined): void {
  // Plus one, so that term 0 and no term differ.
  if (term !== undefined) writer.int(2, term + 1);
  writer.bigint(1, id);
}

function readRevoke(reader: Reader): Command {
  let id = 0n;
  let term = 0;
  while (reader.next()) {
    if (reader.field === 1) id = reader.int64();
    else if (reader.field === 2) term = reader.int();
    else reader.skip();
  }
  return term === 0 ? { type: "lease-revoke", id } : { type: "lease-revoke", id, term: term - 1 };
}

function writeAuthored(writer: Writer, author: Author, command: PlainCommand): void {
  const mark = writer.mark;
  writeCommand(writer, command);
  writer.close(4, mark);
  writer.bool(3, author.trusted);
  writer.int(2, author.revision);
  writer.string(1, author.user);
}

function readAuthored(reader: Reader): Command {
  const author = { user: "", revision: 0, trusted: false };
  let command: Command | null = null;
  while (reader.next()) {
    if (reader.field === 1) author.user = reader.string();
    else if (reader.field === 2) author.revision = reader.int();
    else if (reader.field === 3) author.trusted = reader.bool();
    else if (reader.field === 4) command = readCommand(reader.bytes());
    else reader.skip();
  }
  if (command === null || command.type === "authored") {
    throw new KvError("internal", "the log holds an author without a command");
  }
  return { type: "authored", author, command };
}

function writeCommand(writer: Writer, command: Command): void {
  switch (command.type) {
    case "put":
      writePutRequest(writer, command.request);
      break;
    case "delete":
      writeDeleteRequest(writer, command.request);
      break;
    case "txn":
      writeTxnRequest(writer, command.request);
      break;
    case "compact":
      writeCompactionRequest(writer, command);
      break;
    case "lease-grant":
      writeLeaseGrantRequest(writer, command);
      break;
    case "lease-revoke":
      writeRevoke(writer, command.id, command.term);
      break;
    case "auth":
      writeAuthAction(writer, command.change);
      break;
    case "authored":
      writeAuthored(writer, command.author, command.command);
      break;
  }
  writer.byte(TYPES.indexOf(command.type));
  writer.byte(VERSION);
}

function readCommand(bytes: Uint8Array): Command {
  if (bytes[0] !== VERSION) {
    throw new KvError(
      "internal",
      `the log holds a command of version ${bytes[0]}, this member knows ${VERSION}: upgrade it`,
    );
  }
  const reader = new Reader(bytes, 2);
  switch (TYPES[bytes[1] ?? -1]) {
    case "put":
      return { type: "put", request: readPutRequest(reader) };
    case "delete":
      return { type: "delete", request: readDeleteRequest(reader) };
    case "txn":
      return { type: "txn", request: readTxnRequest(reader) };
    case "compact":
      return { type: "compact", ...readCompactionRequest(reader) };
    case "lease-grant":
      return { type: "lease-grant", ...readLeaseGrantRequest(reader) };
    case "lease-revoke":
      return readRevoke(reader);
    case "auth":
      return { type: "auth", change: readAuthAction(reader) };
    case "authored":
      return readAuthored(reader);
    default:
      throw new KvError("internal", `the log holds a command of unknown type ${bytes[1]}`);
  }
}

/**
 * Commands on the log: a version byte, a type byte, then the request as etcd's protobuf has it,
 * so that fields added later are skipped by members that do not know them. Decoded bytes are
 * views of the entry.
 */
export const commandCodec: Codec<Command> = {
  encode: (command: Command): Uint8Array => encode(writeCommand, command),
  decode: readCommand,
};
