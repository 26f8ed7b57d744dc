import { RaftError, type Snapshot } from "../../index.js";
import { type Disk, type DiskFile, isDiskFull, readAll } from "../disk/disk.js";
import type { SnapshotPoint } from "../wal/types.js";
import { IncomingSnapshot } from "./incoming.js";
import { pointOfName, samePoint, snapshotName, WHOLE } from "./names.js";
import { SNAPSHOT_PIECE } from "./pieces.js";
import {
  checkSnapshotHead,
  readSnapshotHead,
  readSnapshotState,
  writeSnapshot,
} from "./snapshot-file.js";

/**
 * The folder of snapshot files of one member. A file appears under its name only when it is whole
 * and durable (temporary file, fsync, rename, fsync of the folder). One that comes in from another
 * member is kept as far as it came.
 */
export class SnapshotStore {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #clusterId: string;
  readonly #incoming: IncomingSnapshot;
  readonly #receiving = new Set<Promise<void>>();
  #temporary = 0;

  private constructor(
    disk: Disk,
    directory: string,
    clusterId: string,
    incoming: IncomingSnapshot,
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#clusterId = clusterId;
    this.#incoming = incoming;
  }

  /** Opens the folder, makes it where absent, and removes half-written files. */
  static async open(disk: Disk, directory: string, clusterId: string): Promise<SnapshotStore> {
    await disk.makeDirectory(directory);
    const names = await disk.list(directory);
    for (const name of names) {
      if (name.endsWith(".tmp")) await disk.remove(`${directory}/${name}`);
    }
    const incoming = new IncomingSnapshot(disk, directory, clusterId, names);
    return new SnapshotStore(disk, directory, clusterId, incoming);
  }

  /** Stores this member's own snapshot. */
  async write(snapshot: Snapshot, state: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#store(snapshot.metadata, async (file) => {
      await writeSnapshot(file, { clusterId: this.#clusterId, snapshot }, state);
    });
  }

  /**
   * Bytes of another member's file that an earlier `receive` left here, checked: where the next one
   * may go on. 0 where there are none; the file's length where it is here already.
   */
  async receivedLength(at: SnapshotPoint): Promise<number> {
    return (await this.#wholeLength(at)) || (await this.#incoming.length(at));
  }

  /**
   * Stores another member's file, checking it as it comes. `bytes` begin at `from`: 0, or what
   * `receivedLength` gave. When they end by an error, what came before is kept for the next time,
   * also over a restart; one such file is kept, for the place that was asked for last.
   *
   * @throws RaftError `snapshot-temporarily-unavailable` (another is coming in, or `from` is not what
   * is here), `stopped`, `corrupt`, `wrong-cluster`, `disk-full` (nothing is kept after those
   * three); what `bytes` throws
   */
  async receive(at: SnapshotPoint, bytes: AsyncIterable<Uint8Array>, from = 0): Promise<void> {
    const received = this.#receive(at, bytes, from);
    this.#receiving.add(received);
    try {
      await received;
    } finally {
      this.#receiving.delete(received);
    }
  }

  /** Breaks the transfer that is coming in. After it nothing is written any more. */
  async close(): Promise<void> {
    this.#incoming.stop();
    await Promise.allSettled(this.#receiving);
  }

  /** The file's bytes as they are, to be sent, from an offset on. */
  async *bytes(index: number, from = 0): AsyncGenerator<Uint8Array, void, undefined> {
    const place = (await this.list()).find((at) => at.index === index);
    if (!place) throw new RaftError("snapshot-temporarily-unavailable", `no snapshot at ${index}`);
    const file = await this.#disk.open(this.#path(place), "existing");
    try {
      for (let at = from; ; ) {
        const chunk = new Uint8Array(SNAPSHOT_PIECE);
        const got = await readAll(file, chunk, at);
        if (got > 0) yield chunk.subarray(0, got);
        if (got < chunk.length) return;
        at += got;
      }
    } finally {
      await file.close();
    }
  }

  /** The head of a snapshot. @throws RaftError `corrupt` */
  async head(at: SnapshotPoint): Promise<Snapshot> {
    return await this.#with(at, async (file, path) => {
      const { snapshot } = await readSnapshotHead(file, path);
      return snapshot;
    });
  }

  /** Reads all of a snapshot and throws `corrupt` where anything in it is damaged. */
  async verify(at: SnapshotPoint): Promise<void> {
    await this.#with(at, async (file, path) => await this.#check(file, path, at));
  }

  /** The state in a snapshot, piece by piece, each checked. */
  async *state(at: SnapshotPoint): AsyncGenerator<Uint8Array, void, undefined> {
    const path = this.#path(at);
    const file = await this.#disk.open(path, "existing");
    try {
      yield* readSnapshotState(file, path);
    } finally {
      await file.close();
    }
  }

  /** All snapshots, newest first. */
  async list(): Promise<SnapshotPoint[]> {
    const names = await this.#disk.list(this.#directory);
    const places = names.map((name) => pointOfName(name, WHOLE)).filter((at) => at !== null);
    return places.sort((a, b) => b.index - a.index);
  }

  /** Removes all up to the newest of `keep` but those; later ones may be on their way in. */
  async prune(keep: readonly SnapshotPoint[]): Promise<void> {
    const newest = Math.max(...keep.map((at) => at.index));
    const kept = (at: SnapshotPoint): boolean =>
      at.index > newest || keep.some((one) => samePoint(one, at));
    const old = (await this.list()).filter((at) => !kept(at));
    for (const at of old) await this.#disk.remove(this.#path(at));
    if (old.length > 0) await this.#disk.syncDirectory(this.#directory);
    await this.#incoming.supersede(newest);
  }

  async #receive(at: SnapshotPoint, bytes: AsyncIterable<Uint8Array>, from: number): Promise<void> {
    if (from > 0 && (await this.#wholeLength(at)) === from) return;
    await this.#naming(at, async () => {
      const path = await this.#incoming.receive(at, bytes, from);
      await this.#publish(path, at);
      this.#incoming.renamed();
    });
  }

  #path(at: SnapshotPoint): string {
    return `${this.#directory}/${snapshotName(at, WHOLE)}`;
  }

  async #with<T>(
    at: SnapshotPoint,
    work: (file: DiskFile, path: string) => Promise<T>,
  ): Promise<T> {
    const path = this.#path(at);
    const file = await this.#disk.open(path, "existing");
    try {
      return await work(file, path);
    } finally {
      await file.close();
    }
  }

  async #store(at: SnapshotPoint, fill: (file: DiskFile) => Promise<void>): Promise<void> {
    await this.#naming(at, async () => {
      const temporary = `${this.#directory}/${++this.#temporary}.tmp`;
      const file = await this.#disk.open(temporary, "create");
      try {
        await fill(file);
        await file.close();
        await this.#publish(temporary, at);
      } catch (error) {
        await file.close().catch(() => {});
        await this.#disk.remove(temporary).catch(() => {});
        throw error;
      }
    });
  }

  /** A whole and durable file gets its name. */
  async #publish(path: string, at: SnapshotPoint): Promise<void> {
    await this.#disk.rename(path, this.#path(at));
    await this.#disk.syncDirectory(this.#directory);
  }

  async #naming(at: SnapshotPoint, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      if (!isDiskFull(cause)) throw cause;
      throw new RaftError("disk-full", `${this.#path(at)}: no space left`, { cause });
    }
  }

  /** Length of the file at `at`; 0 where there is none that is whole. */
  async #wholeLength(at: SnapshotPoint): Promise<number> {
    if (!(await this.list()).some((one) => samePoint(one, at))) return 0;
    try {
      await this.verify(at);
      return await this.#with(at, async (file) => await file.size());
    } catch (error) {
      if (RaftError.is(error)) return 0;
      throw error;
    }
  }

  async #check(file: DiskFile, path: string, at: SnapshotPoint): Promise<void> {
    const head = await readSnapshotHead(file, path);
    checkSnapshotHead(head, path, { ...at, clusterId: this.#clusterId });
    for await (const _piece of readSnapshotState(file, path)) {
      // Reading is the check.
    }
  }
}
