import { RaftError } from "../../index.js";
import { type Disk, type DiskFile, writeAll } from "../disk/disk.js";
import type { SnapshotPoint } from "../wal/types.js";
import { PART, pointOfName, samePoint, snapshotName } from "./names.js";
import { PieceParser, readPieces } from "./pieces.js";
import { checkSnapshotHead, parseSnapshotHead } from "./snapshot-file.js";

/** A crash costs at most so much of a transfer, and the sync at its end has no more to do. */
const SYNC_BYTES = 8 * 1024 * 1024;

/**
 * The one snapshot file that is coming in from another member. It is checked piece by piece as it
 * grows, and its whole pieces stay when the transfer breaks or the process ends, so that the next
 * transfer goes on from there, whoever sends it: pieces of another member's file that do not fit
 * fail the checksum of the whole, and the file begins anew. One for another place replaces it.
 */
export class IncomingSnapshot {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #clusterId: string;
  /** Those in the folder: at most one, but for a crash in between. */
  #places: SnapshotPoint[];
  /** What is known of the file: its parser stands after the last whole piece. */
  #known: { readonly at: SnapshotPoint; readonly parser: PieceParser } | null = null;
  #busy = false;
  readonly #stop = new AbortController();

  /** `names` are those in the folder. */
  constructor(disk: Disk, directory: string, clusterId: string, names: readonly string[]) {
    this.#disk = disk;
    this.#directory = directory;
    this.#clusterId = clusterId;
    this.#places = names.map((name) => pointOfName(name, PART)).filter((at) => at !== null);
  }

  /** Bytes of the snapshot at `at` that are here, checked; 0 while one is coming in. */
  async length(at: SnapshotPoint): Promise<number> {
    if (this.#busy || !this.#has(at)) return 0;
    return await this.#alone(async () => (await this.#inspect(at)).length);
  }

  /**
   * Takes the file's bytes from `from` on: 0, or what `length` gave. Resolves with the path of the
   * file once it is whole and durable; the caller gives it its name and then calls `renamed`.
   *
   * @throws RaftError `snapshot-temporarily-unavailable` (another is coming in, or `from` does not
   * fit); what `bytes` throws (what came is kept); and after giving up what came: `corrupt`,
   * `wrong-cluster`, what the disk throws
   */
  async receive(
    at: SnapshotPoint,
    bytes: AsyncIterable<Uint8Array>,
    from: number,
  ): Promise<string> {
    return await this.#alone(async () => {
      const parser = from === 0 ? await this.#begin(at) : await this.#resume(at, from);
      const transfer: Transfer = { bytes, broken: null };
      try {
        const file = await this.#disk.open(this.#path(at), "existing");
        try {
          await fill(file, parser, transfer, this.#stop.signal);
        } finally {
          await file.close();
        }
      } catch (error) {
        // Where the disk is full the log needs the room more than this.
        await this.#removeBut(null).catch(() => {});
        throw error;
      }
      if (transfer.broken) throw transfer.broken.error;
      return this.#path(at);
    });
  }

  /** Breaks the transfer that goes on, and takes no more. */
  stop(): void {
    this.#stop.abort(new RaftError("stopped", "the group was closed"));
  }

  /** The file that `receive` gave has its own name now. */
  renamed(): void {
    this.#known = null;
    this.#places = [];
  }

  /** A snapshot at `index` is here: one that comes in and reaches no further is of no use. */
  async supersede(index: number): Promise<void> {
    if (this.#busy || !this.#places.some((at) => at.index <= index)) return;
    await this.#alone(async () => await this.#removeBut(null));
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    this.#stop.signal.throwIfAborted();
    if (this.#busy) {
      const message = "another snapshot is coming in";
      throw new RaftError("snapshot-temporarily-unavailable", message);
    }
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#busy = false;
    }
  }

  async #begin(at: SnapshotPoint): Promise<PieceParser> {
    await this.#removeBut(null);
    const file = await this.#disk.open(this.#path(at), "create");
    await file.close();
    this.#places = [at];
    await this.#disk.syncDirectory(this.#directory);
    const parser = this.#parser(at);
    this.#known = { at, parser };
    return parser;
  }

  async #resume(at: SnapshotPoint, from: number): Promise<PieceParser> {
    const parser = this.#has(at) ? await this.#inspect(at) : null;
    if (parser?.length !== from) {
      const message = `${parser?.length ?? 0} bytes of the snapshot at ${at.index} are here, not ${from}`;
      throw new RaftError("snapshot-temporarily-unavailable", message);
    }
    await this.#removeBut(at);
    return parser;
  }

  /** Reads what an earlier process left. Damage in it costs what follows it, and no more. */
  async #inspect(at: SnapshotPoint): Promise<PieceParser> {
    if (this.#known && samePoint(this.#known.at, at)) return this.#known.parser;
    const path = this.#path(at);
    const parser = this.#parser(at);
    const file = await this.#disk.open(path, "existing");
    try {
      for await (const _piece of readPieces(file, path, parser)) {
        // The parser keeps count.
      }
    } catch (error) {
      if (!RaftError.is(error)) throw error;
      parser.rewind();
    } finally {
      await file.close();
    }
    this.#known = { at, parser };
    return parser;
  }

  async #removeBut(kept: SnapshotPoint | null): Promise<void> {
    const gone = this.#places.filter((at) => !kept || !samePoint(at, kept));
    if (gone.length === 0) return;
    if (!kept) this.#known = null;
    this.#places = kept ? [kept] : [];
    for (const at of gone) await this.#disk.remove(this.#path(at));
    await this.#disk.syncDirectory(this.#directory);
  }

  #has(at: SnapshotPoint): boolean {
    return this.#places.some((place) => samePoint(place, at));
  }

  #parser(at: SnapshotPoint): PieceParser {
    const path = this.#path(at);
    const expected = { ...at, clusterId: this.#clusterId };
    return new PieceParser(path, (head) => {
      checkSnapshotHead(parseSnapshotHead(head, path), path, expected);
    });
  }

  #path(at: SnapshotPoint): string {
    return `${this.#directory}/${snapshotName(at, PART)}`;
  }
}

/** Bytes that come in; `broken` once they came to an end before the file did. */
interface Transfer {
  readonly bytes: AsyncIterable<Uint8Array>;
  broken: { readonly error: unknown } | null;
}

/** Writes what comes, checked; it is durable then, also where the transfer broke. */
async function fill(
  file: DiskFile,
  parser: PieceParser,
  transfer: Transfer,
  signal: AbortSignal,
): Promise<void> {
  let length = parser.length;
  let synced = length;
  await file.truncate(length);
  for await (const chunk of untilBroken(transfer, signal)) {
    parser.add(chunk);
    await writeAll(file, chunk, length);
    length += chunk.length;
    if (length - synced < SYNC_BYTES) continue;
    await file.sync();
    synced = length;
  }
  if (transfer.broken) parser.rewind();
  else parser.finish();
  await file.sync();
}

/** Ends with `signal` as well, at once: a sender may be silent for long. */
async function* untilBroken(
  transfer: Transfer,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = transfer.bytes[Symbol.asyncIterator]();
  let onAbort = (): void => {};
  const stopped = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), stopped]);
      if (next.done) return;
      yield next.value;
    }
  } catch (error) {
    transfer.broken = { error };
  } finally {
    signal.removeEventListener("abort", onAbort);
    // Not waited for: it ends only when the sender says something.
    iterator.return?.().catch(() => {});
  }
}
