import { RaftError, type Snapshot } from "../../index.js";
import { type DiskFile, readAll, writeAll } from "../disk/disk.js";
import { confStateFields, confStateFromFields } from "../group/members.js";
import { asArray, asBytes, asNumber, asString, fromCbor, toCbor } from "../transport/cbor.js";
import { crc32c } from "../wal/crc32c.js";

/*
 * A snapshot file is a row of pieces, each `u32 length, u32 CRC32C of the bytes, bytes`
 * (little-endian): first the head as CBOR, then the state in pieces of at most 256 KiB, last an
 * empty piece whose CRC field holds the CRC32C over all CRCs before it, so that a file cut at
 * a piece's end or with pieces exchanged does not pass.
 */

/** Bytes of state in a piece. */
export const SNAPSHOT_PIECE: number = 256 * 1024;
const FORMAT = "flotilla-raft-snapshot";
const FORMAT_VERSION = 1;

/** What a snapshot file says of itself. */
export interface SnapshotHead {
  readonly clusterId: string;
  readonly snapshot: Snapshot;
}

/** Writes a whole file and syncs it. `file` is new and empty. Resolves with its length. */
export async function writeSnapshot(
  file: DiskFile,
  head: SnapshotHead,
  state: AsyncIterable<Uint8Array>,
): Promise<number> {
  const { metadata, data } = head.snapshot;
  const writer = new PieceWriter(file);
  await writer.add(
    toCbor([
      FORMAT,
      FORMAT_VERSION,
      head.clusterId,
      metadata.index,
      metadata.term,
      confStateFields(metadata.confState),
      data,
    ]),
  );
  for await (const chunk of state) {
    for (let at = 0; at < chunk.length; at += SNAPSHOT_PIECE) {
      await writer.add(chunk.subarray(at, at + SNAPSHOT_PIECE));
    }
  }
  const length = await writer.end();
  await file.sync();
  return length;
}

/** Reads the head. @throws RaftError `corrupt` */
export async function readSnapshotHead(file: DiskFile, path: string): Promise<SnapshotHead> {
  const reader = new PieceReader(file, path);
  const bytes = await reader.next();
  if (!bytes) throw new RaftError("corrupt", `${path}: offset 0: the snapshot has no head`);
  try {
    return parseHead(bytes);
  } catch (cause) {
    throw new RaftError("corrupt", `${path}: offset 0: not a snapshot of this version`, { cause });
  }
}

/** The state's pieces, each checked. @throws RaftError `corrupt` naming file and offset */
export async function* readSnapshotState(
  file: DiskFile,
  path: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new PieceReader(file, path);
  await reader.next();
  for (;;) {
    const piece = await reader.next();
    if (!piece) return;
    yield piece;
  }
}

function parseHead(bytes: Uint8Array): SnapshotHead {
  const [format, version, clusterId, index, term, confState, data] = asArray(
    fromCbor(bytes),
    7,
    "snapshot head",
  );
  if (format !== FORMAT || version !== FORMAT_VERSION) throw new TypeError("unknown format");
  return {
    clusterId: asString(clusterId, "cluster id"),
    snapshot: {
      metadata: {
        index: asNumber(index, "index"),
        term: asNumber(term, "term"),
        confState: confStateFromFields(confState),
      },
      data: Uint8Array.from(asBytes(data, "data")),
    },
  };
}

class PieceWriter {
  readonly #file: DiskFile;
  #at = 0;
  #all = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  async add(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    await this.#write(bytes, crc32c(bytes));
  }

  async end(): Promise<number> {
    await this.#write(new Uint8Array(0), this.#all);
    return this.#at;
  }

  async #write(bytes: Uint8Array, crc: number): Promise<void> {
    const piece = new Uint8Array(8 + bytes.length);
    const view = new DataView(piece.buffer);
    view.setUint32(0, bytes.length, true);
    view.setUint32(4, crc, true);
    piece.set(bytes, 8);
    await writeAll(this.#file, piece, this.#at);
    this.#at += piece.length;
    this.#all = crc32c(piece, 4, 8, this.#all);
  }
}

class PieceReader {
  readonly #file: DiskFile;
  readonly #path: string;
  #at = 0;
  #all = 0;

  constructor(file: DiskFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /** The next piece, or null at the end that the file itself declares. */
  async next(): Promise<Uint8Array | null> {
    const head = new Uint8Array(8);
    if ((await readAll(this.#file, head, this.#at)) < 8) throw this.#corrupt("it ends too early");
    const view = new DataView(head.buffer);
    const length = view.getUint32(0, true);
    const crc = view.getUint32(4, true);
    if (length === 0) {
      if (crc !== this.#all) throw this.#corrupt("the checksum of the whole does not match");
      return null;
    }
    if (length > 64 * SNAPSHOT_PIECE) throw this.#corrupt("a piece's length is impossible");
    const bytes = new Uint8Array(length);
    if ((await readAll(this.#file, bytes, this.#at + 8)) < length) {
      throw this.#corrupt("it ends within a piece");
    }
    if (crc32c(bytes) !== crc) throw this.#corrupt("a piece's checksum does not match");
    this.#all = crc32c(head, 4, 8, this.#all);
    this.#at += 8 + length;
    return bytes;
  }

  #corrupt(what: string): RaftError {
    return new RaftError("corrupt", `${this.#path}: offset ${this.#at}: snapshot damaged: ${what}`);
  }
}
