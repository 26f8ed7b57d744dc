import type { Disk, DiskFile } from "./disk.js";

/** What a sector-level crash keeps of an unsynced write. */
const SECTOR = 512;

/** Faults of a {@link MemoryDisk}; each may be changed while it is in use. */
export interface MemoryDiskFaults {
  /** At most so many bytes a write; Infinity by default. */
  maxWriteBytes: number;
  /** Bytes all files may take together, beyond which writes fail with ENOSPC; Infinity by default. */
  capacity: number;
  /** How many of the next syncs fail with EIO and, like Linux, mark the lost pages clean; 0 by default. */
  failSyncs: number;
  /** How many of the next writes fail with EIO; 0 by default. */
  failWrites: number;
  /** Awaited before each sync takes effect: holds or slows it. */
  beforeSync: (path: string) => Promise<void> | void;
}

/**
 * A disk in memory that can lose power: {@link MemoryDisk.crash} takes back all that was not
 * synced, file contents and directory changes alike. For tests and simulations.
 *
 * @example
 * ```ts
 * const disk = new MemoryDisk();
 * // … write through it, then:
 * disk.crash({ keepSector: () => random() < 0.5 }); // torn: some unsynced sectors survive
 * ```
 */
export class MemoryDisk implements Disk {
  readonly faults: MemoryDiskFaults = {
    maxWriteBytes: Number.POSITIVE_INFINITY,
    capacity: Number.POSITIVE_INFINITY,
    failSyncs: 0,
    failWrites: 0,
    beforeSync: () => {},
  };
  #names: Map<string, Inode> = new Map();
  #durableNames: Map<string, Inode> = new Map();
  readonly #directories: Set<string> = new Set();
  /** Handles opened before a crash are dead: a "process" that still holds one cannot write. */
  #life = 0;

  async makeDirectory(path: string): Promise<void> {
    this.#directories.add(path);
  }

  async list(path: string): Promise<string[]> {
    const prefix = `${path}/`;
    const names = [...this.#names.keys()].filter((name) => name.startsWith(prefix));
    return names.map((name) => name.slice(prefix.length)).filter((name) => !name.includes("/"));
  }

  async open(path: string, mode: "existing" | "create" | "read"): Promise<DiskFile> {
    let inode = this.#names.get(path);
    if (mode === "create") {
      if (inode) throw systemError("EEXIST", path);
      if (this.used() >= this.faults.capacity) throw systemError("ENOSPC", path);
      inode = new Inode();
      this.#names.set(path, inode);
    }
    if (!inode) throw systemError("ENOENT", path);
    const life = this.#life;
    return new MemoryFile(this, inode, path, () => life === this.#life);
  }

  async rename(from: string, to: string): Promise<void> {
    const inode = this.#names.get(from);
    if (!inode) throw systemError("ENOENT", from);
    this.#names.delete(from);
    this.#names.set(to, inode);
  }

  async remove(path: string): Promise<void> {
    this.#names.delete(path);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.beforeSync(path);
    const inside = (name: string): boolean => name.slice(0, name.lastIndexOf("/")) === path;
    for (const name of this.#durableNames.keys()) {
      if (inside(name) && !this.#names.has(name)) this.#durableNames.delete(name);
    }
    for (const [name, inode] of this.#names) {
      if (inside(name)) this.#durableNames.set(name, inode);
    }
  }

  /**
   * Power loss. Unsynced directory changes are undone, and unsynced bytes are lost but for the
   * sectors that `keepSector` keeps (none by default). Handles opened earlier fail from now on.
   */
  crash(options: { keepSector?: (path: string, sector: number) => boolean } = {}): void {
    this.#life++;
    this.#names = new Map(this.#durableNames);
    for (const [path, inode] of this.#names) {
      inode.crash((sector) => options.keepSector?.(path, sector) ?? false);
    }
  }

  /** Whole content of a file, for tests that damage it. */
  content(path: string): Uint8Array {
    const inode = this.#names.get(path);
    if (!inode) throw systemError("ENOENT", path);
    return inode.data.slice(0, inode.length);
  }

  /** Replaces a file's content, durably: bit rot, or a prepared state. */
  overwrite(path: string, content: Uint8Array): void {
    const inode = this.#names.get(path) ?? new Inode();
    inode.replace(content);
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  /** Paths of all files. */
  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** Bytes that all files take. */
  used(): number {
    let sum = 0;
    for (const inode of this.#names.values()) sum += inode.length;
    return sum;
  }

  /** Takes one of the prepared sync faults; used by the files. */
  async beforeSync(path: string): Promise<void> {
    await this.faults.beforeSync(path);
  }
}

/** A file's bytes now, and as they would be after a power loss. */
class Inode {
  data: Uint8Array = new Uint8Array(0);
  length = 0;
  #durable: Uint8Array = new Uint8Array(0);
  /** Sectors written and not synced, as ranges [from, to) that may overlap. */
  #dirty: [from: number, to: number][] = [];

  /** New content, durable at once. */
  replace(content: Uint8Array): void {
    this.data = Uint8Array.from(content);
    this.length = content.length;
    this.#durable = Uint8Array.from(content);
    this.#dirty = [];
  }

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    if (end > this.data.length) {
      const grown = new Uint8Array(Math.max(end, this.data.length * 2, 4096));
      grown.set(this.data);
      this.data = grown;
    }
    this.data.set(bytes, position);
    this.length = Math.max(this.length, end);
    const [from, to] = [Math.floor(position / SECTOR), Math.ceil(end / SECTOR)];
    const last = this.#dirty.at(-1);
    if (last && from >= last[0] && from <= last[1]) last[1] = Math.max(last[1], to);
    else this.#dirty.push([from, to]);
  }

  truncate(length: number): void {
    this.data.fill(0, Math.min(length, this.length), this.length);
    if (length > this.data.length) this.write(new Uint8Array(length - this.length), this.length);
    this.length = length;
    if (this.#durable.length > length) this.#durable = this.#durable.slice(0, length);
  }

  persist(): void {
    for (const [from, to] of this.#dirty) this.#keep(from, to);
    this.#dirty = [];
  }

  /** fsyncgate: the pages are clean although they never reached the disk. */
  loseDirty(): void {
    this.#dirty = [];
  }

  crash(keep: (sector: number) => boolean): void {
    for (const [from, to] of this.#dirty) {
      for (let sector = from; sector < to; sector++) {
        if (keep(sector)) this.#keep(sector, sector + 1);
      }
    }
    this.#dirty = [];
    this.data = this.#durable.slice();
    this.length = this.data.length;
  }

  /** Makes sectors [from, to) durable. */
  #keep(from: number, to: number): void {
    const start = from * SECTOR;
    const end = Math.min(to * SECTOR, this.length);
    if (start >= end) return;
    if (end > this.#durable.length) {
      const grown = new Uint8Array(end);
      grown.set(this.#durable);
      this.#durable = grown;
    }
    this.#durable.set(this.data.subarray(start, end), start);
  }
}

class MemoryFile implements DiskFile {
  readonly #disk: MemoryDisk;
  readonly #inode: Inode;
  readonly #path: string;
  readonly #alive: () => boolean;

  constructor(disk: MemoryDisk, inode: Inode, path: string, alive: () => boolean) {
    this.#disk = disk;
    this.#inode = inode;
    this.#path = path;
    this.#alive = alive;
  }

  writeNow(bytes: Uint8Array, position: number): number {
    this.#check();
    const { faults } = this.#disk;
    if (faults.failWrites > 0) {
      faults.failWrites--;
      throw systemError("EIO", this.#path);
    }
    const growth = Math.max(0, position + bytes.length - this.#inode.length);
    const room = Math.max(0, faults.capacity - this.#disk.used());
    const fits = bytes.length - Math.max(0, growth - room);
    const count = Math.min(fits, faults.maxWriteBytes);
    if (count <= 0) throw systemError("ENOSPC", this.#path);
    this.#inode.write(bytes.subarray(0, count), position);
    return count;
  }

  async write(bytes: Uint8Array, position: number): Promise<number> {
    return this.writeNow(bytes, position);
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    this.#check();
    const end = Math.min(this.#inode.length, position + into.length);
    if (position >= end) return 0;
    into.set(this.#inode.data.subarray(position, end));
    return end - position;
  }

  async size(): Promise<number> {
    return this.#inode.length;
  }

  async truncate(length: number): Promise<void> {
    this.#check();
    this.#inode.truncate(length);
  }

  async sync(): Promise<void> {
    await this.#disk.beforeSync(this.#path);
    this.#check();
    const { faults } = this.#disk;
    if (faults.failSyncs > 0) {
      faults.failSyncs--;
      this.#inode.loseDirty();
      throw systemError("EIO", this.#path);
    }
    this.#inode.persist();
  }

  async close(): Promise<void> {}

  #check(): void {
    if (!this.#alive()) throw systemError("EBADF", this.#path);
  }
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
