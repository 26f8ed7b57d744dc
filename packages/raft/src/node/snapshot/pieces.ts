import type { RaftError } from "../../index.js";
import { type DiskFile, readAll, writeAll } from "../disk/disk.js";
import { crc32c } from "../wal/crc32c.js";
import { damageError } from "../wal/damage.js";

/*
 * A snapshot file is a row of pieces, each `u32 length, u32 CRC32C of the bytes, bytes`
 * (little-endian): first the head, then the state in pieces of at most 256 KiB, last an empty
 * piece whose CRC field holds the CRC32C over all CRCs before it, so that a file cut at a piece's
 * end or with pieces exchanged does not pass.
 */

/** Bytes of state in a piece. */
export const SNAPSHOT_PIECE: number = 256 * 1024;
/** A longer piece than this is a lie: only a head can be longer than a piece of state. */
const MAX_PIECE = 64 * SNAPSHOT_PIECE;
const HEAD = 8;

/** Writes pieces to a new file. */
export class PieceWriter {
  readonly #file: DiskFile;
  #at = 0;
  #all = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** Nothing is written for no bytes. */
  async add(bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0) await this.#write(bytes, crc32c(bytes));
  }

  /** Resolves with the file's length. */
  async end(): Promise<number> {
    await this.#write(new Uint8Array(0), this.#all);
    return this.#at;
  }

  async #write(bytes: Uint8Array, crc: number): Promise<void> {
    const piece = new Uint8Array(HEAD + bytes.length);
    const view = new DataView(piece.buffer);
    view.setUint32(0, bytes.length, true);
    view.setUint32(4, crc, true);
    piece.set(bytes, HEAD);
    await writeAll(this.#file, piece, this.#at);
    this.#at += piece.length;
    this.#all = crc32c(piece, 4, HEAD, this.#all);
  }
}

/** Takes a file apart and checks it as its bytes come, in whatever cuts they come. */
export class PieceParser {
  readonly #path: string;
  readonly #onHead: (head: Uint8Array) => void;
  #length = 0;
  #all = 0;
  #ended = false;
  /** The piece that is coming: what is here of it, and how much that is to be as far as known. */
  #parts: Uint8Array[] = [];
  #have = 0;
  #need = HEAD;

  /** `onHead` gets the first piece, and throws where it is not the right one. */
  constructor(path: string, onHead: (head: Uint8Array) => void = () => {}) {
    this.#path = path;
    this.#onHead = onHead;
  }

  /** Bytes of all whole pieces so far. */
  get length(): number {
    return this.#length;
  }

  /** True once the file's own end was there, and all of it was right. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Takes the next bytes; returns the pieces that became whole. @throws RaftError `corrupt` */
  add(bytes: Uint8Array): Uint8Array[] {
    const whole: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      if (this.#ended) throw this.#corrupt("bytes follow its end");
      const part = bytes.subarray(at, at + this.#need - this.#have);
      this.#parts.push(part);
      this.#have += part.length;
      at += part.length;
      if (this.#have < this.#need) break;
      const piece = this.#take();
      if (piece) whole.push(piece);
    }
    return whole;
  }

  /** Forgets the piece that is not whole: the next bytes are those from `length` on. */
  rewind(): void {
    this.#parts = [];
    this.#have = 0;
    this.#need = HEAD;
  }

  /** To be called where the bytes end. @throws RaftError `corrupt` unless the file ends there, too */
  finish(): void {
    if (this.#ended) return;
    throw this.#corrupt(this.#have > HEAD ? "it ends within a piece" : "it ends too early");
  }

  /** All that was needed is here: a piece, or null after a piece's head or the end. */
  #take(): Uint8Array | null {
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [bytes];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const length = view.getUint32(0, true);
    const crc = view.getUint32(4, true);
    if (length > MAX_PIECE) throw this.#corrupt("a piece's length is impossible");
    if (length === 0) {
      if (this.#length === 0) throw this.#corrupt("it has no head");
      if (crc !== this.#all) throw this.#corrupt("the checksum of the whole does not match");
      this.#ended = true;
    } else if (this.#need === HEAD) {
      this.#need = HEAD + length;
      return null;
    } else if (crc32c(bytes, HEAD) !== crc) {
      throw this.#corrupt("a piece's checksum does not match");
    }
    if (this.#length === 0) this.#onHead(bytes.subarray(HEAD));
    this.#all = crc32c(bytes, 4, HEAD, this.#all);
    this.#length += this.#have;
    this.rewind();
    return length === 0 ? null : bytes.subarray(HEAD);
  }

  #corrupt(what: string): RaftError {
    return snapshotDamaged(this.#path, this.#length, `snapshot damaged: ${what}`);
  }
}

/** An error for damage in the snapshot file at `path`. */
export function snapshotDamaged(path: string, offset: number, what: string): RaftError {
  return damageError({ file: path, offset, index: null, kind: "corrupt", what });
}

/** The pieces of a file, each checked. @throws RaftError `corrupt` naming file and offset */
export async function* readPieces(
  file: DiskFile,
  path: string,
  parser: PieceParser = new PieceParser(path),
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; ; ) {
    const chunk = new Uint8Array(SNAPSHOT_PIECE);
    const got = await readAll(file, chunk, at);
    yield* parser.add(chunk.subarray(0, got));
    if (got < chunk.length) break;
    at += got;
  }
  parser.finish();
}
