import { RaftError, type Snapshot } from "../../index.js";
import { type Disk, type DiskFile, isDiskFull, readAll, writeAll } from "../disk/disk.js";
import {
  readSnapshotHead,
  readSnapshotState,
  SNAPSHOT_PIECE,
  writeSnapshot,
} from "./snapshot-file.js";

const NAME = /^([0-9a-f]{16})-([0-9a-f]{16})\.snap$/;

/** A snapshot's place, as its file name says. */
interface Place {
  readonly index: number;
  readonly term: number;
}

/**
 * The folder of snapshot files of one member. A file appears under its name only when it is whole
 * and durable (temporary file, fsync, rename, fsync of the folder).
 */
export class SnapshotStore {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #clusterId: string;
  #temporary = 0;

  private constructor(disk: Disk, directory: string, clusterId: string) {
    this.#disk = disk;
    this.#directory = directory;
    this.#clusterId = clusterId;
  }

  /** Opens the folder, makes it where absent, and removes half-written files. */
  static async open(disk: Disk, directory: string, clusterId: string): Promise<SnapshotStore> {
    await disk.makeDirectory(directory);
    for (const name of await disk.list(directory)) {
      if (name.endsWith(".tmp")) await disk.remove(`${directory}/${name}`);
    }
    return new SnapshotStore(disk, directory, clusterId);
  }

  /** Stores this member's own snapshot. */
  async write(snapshot: Snapshot, state: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#store(snapshot.metadata, async (file) => {
      await writeSnapshot(file, { clusterId: this.#clusterId, snapshot }, state);
    });
  }

  /** Stores the bytes of another member's file, checking all of them first. */
  async receive(at: Place, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#store(at, async (file, path) => {
      let length = 0;
      for await (const chunk of bytes) {
        await writeAll(file, chunk, length);
        length += chunk.length;
      }
      await file.sync();
      await this.#check(file, path, at);
    });
  }

  /** The file's bytes as they are, to be sent. */
  async *bytes(index: number): AsyncGenerator<Uint8Array, void, undefined> {
    const place = (await this.list()).find((at) => at.index === index);
    if (!place) throw new RaftError("snapshot-temporarily-unavailable", `no snapshot at ${index}`);
    const file = await this.#disk.open(this.#path(place), "existing");
    try {
      for (let at = 0; ; ) {
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
  async head(at: Place): Promise<Snapshot> {
    return await this.#with(at, async (file, path) => {
      const { snapshot } = await readSnapshotHead(file, path);
      return snapshot;
    });
  }

  /** Reads all of a snapshot and throws `corrupt` where anything in it is damaged. */
  async verify(at: Place): Promise<void> {
    await this.#with(at, async (file, path) => await this.#check(file, path, at));
  }

  /** The state in a snapshot, piece by piece, each checked. */
  async *state(at: Place): AsyncGenerator<Uint8Array, void, undefined> {
    const path = this.#path(at);
    const file = await this.#disk.open(path, "existing");
    try {
      yield* readSnapshotState(file, path);
    } finally {
      await file.close();
    }
  }

  /** All snapshots, newest first. */
  async list(): Promise<Place[]> {
    const places: Place[] = [];
    for (const name of await this.#disk.list(this.#directory)) {
      const match = NAME.exec(name);
      if (!match) continue;
      places.push({ term: Number.parseInt(match[1]!, 16), index: Number.parseInt(match[2]!, 16) });
    }
    return places.sort((a, b) => b.index - a.index);
  }

  /** Removes all up to the newest of `keep` but those; later ones may be on their way in. */
  async prune(keep: readonly Place[]): Promise<void> {
    const newest = Math.max(...keep.map((at) => at.index));
    const kept = (at: Place): boolean =>
      at.index > newest || keep.some(({ index, term }) => index === at.index && term === at.term);
    const old = (await this.list()).filter((at) => !kept(at));
    for (const at of old) await this.#disk.remove(this.#path(at));
    if (old.length > 0) await this.#disk.syncDirectory(this.#directory);
  }

  #path({ index, term }: Place): string {
    const hex = (value: number): string => value.toString(16).padStart(16, "0");
    return `${this.#directory}/${hex(term)}-${hex(index)}.snap`;
  }

  async #with<T>(at: Place, work: (file: DiskFile, path: string) => Promise<T>): Promise<T> {
    const path = this.#path(at);
    const file = await this.#disk.open(path, "existing");
    try {
      return await work(file, path);
    } finally {
      await file.close();
    }
  }

  async #store(at: Place, fill: (file: DiskFile, path: string) => Promise<void>): Promise<void> {
    const temporary = `${this.#directory}/${++this.#temporary}.tmp`;
    const file = await this.#disk.open(temporary, "create");
    try {
      await fill(file, temporary);
      await file.close();
      await this.#disk.rename(temporary, this.#path(at));
      await this.#disk.syncDirectory(this.#directory);
    } catch (cause) {
      await file.close().catch(() => {});
      await this.#disk.remove(temporary).catch(() => {});
      if (!isDiskFull(cause)) throw cause;
      throw new RaftError("disk-full", `${this.#path(at)}: no space left`, { cause });
    }
  }

  async #check(file: DiskFile, path: string, at: Place): Promise<void> {
    const { clusterId, snapshot } = await readSnapshotHead(file, path);
    if (clusterId !== this.#clusterId) {
      const message = `${path} is of cluster "${clusterId}", not "${this.#clusterId}"`;
      throw new RaftError("wrong-cluster", message);
    }
    const { index, term } = snapshot.metadata;
    if (index !== at.index || term !== at.term) {
      throw new RaftError("corrupt", `${path}: offset 0: it holds (${term}, ${index})`);
    }
    for await (const _piece of readSnapshotState(file, path)) {
      // Reading is the check.
    }
  }
}
