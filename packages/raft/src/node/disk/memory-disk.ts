import type { Disk, DiskFile } from "./disk.js";
import { Inode } from "./inode.js";

/** What is done to a disk. */
export type DiskOperation =
  | "create"
  | "open"
  | "read"
  | "write"
  | "truncate"
  | "sync"
  | "rename"
  | "remove"
  | "syncDirectory";

/** What a power loss leaves of what was not synced; nothing by default. */
export interface CrashOptions {
  /** Whether a sector that was written survives. */
  readonly keepSector?: (path: string, sector: number) => boolean;
  /** So many of the first creations, renames and removals survive, as a journal keeps their order. */
  readonly keepNames?: number;
}

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
  /** Called before each operation takes effect; what it throws is the operation's error. */
  onOperation: (operation: DiskOperation, path: string) => void;
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
    onOperation: () => {},
  };
  #names: Map<string, Inode> = new Map();
  #durableNames: Map<string, Inode> = new Map();
  /** Changes of names that are not synced, each as it changes the durable ones. */
  #unsyncedNames: { readonly path: string; readonly keep: () => void }[] = [];
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
    this.faults.onOperation(mode === "create" ? "create" : "open", path);
    let inode = this.#names.get(path);
    if (mode === "create") {
      if (inode) throw systemError("EEXIST", path);
      if (this.used() >= this.faults.capacity) throw systemError("ENOSPC", path);
      inode = new Inode();
      this.#names.set(path, inode);
      this.#rename(null, path, inode);
    }
    if (!inode) throw systemError("ENOENT", path);
    const life = this.#life;
    return new MemoryFile(this, inode, path, () => life === this.#life);
  }

  async rename(from: string, to: string): Promise<void> {
    this.faults.onOperation("rename", from);
    const inode = this.#names.get(from);
    if (!inode) throw systemError("ENOENT", from);
    this.#names.delete(from);
    this.#names.set(to, inode);
    this.#rename(from, to, inode);
  }

  async remove(path: string): Promise<void> {
    this.faults.onOperation("remove", path);
    if (this.#names.delete(path)) this.#rename(path, null, null);
  }

  async syncDirectory(path: string): Promise<void> {
    this.faults.onOperation("syncDirectory", path);
    await this.beforeSync(path);
    const inside = (name: string): boolean => name.slice(0, name.lastIndexOf("/")) === path;
    for (const name of this.#durableNames.keys()) {
      if (inside(name) && !this.#names.has(name)) this.#durableNames.delete(name);
    }
    for (const [name, inode] of this.#names) {
      if (inside(name)) this.#durableNames.set(name, inode);
    }
    this.#unsyncedNames = this.#unsyncedNames.filter((change) => !inside(change.path));
  }

  /**
   * Power loss: what was not synced is lost, but for what `options` keep of it. Handles opened
   * earlier fail from now on.
   */
  crash(options: CrashOptions = {}): void {
    this.#life++;
    for (const { keep } of this.#unsyncedNames.slice(0, options.keepNames ?? 0)) keep();
    this.#unsyncedNames = [];
    this.#names = new Map(this.#durableNames);
    for (const [path, inode] of this.#names) {
      inode.crash((sector) => options.keepSector?.(path, sector) ?? false);
    }
  }

  #rename(from: string | null, to: string | null, inode: Inode | null): void {
    const keep = (): void => {
      if (from !== null) this.#durableNames.delete(from);
      if (to !== null && inode) this.#durableNames.set(to, inode);
    };
    this.#unsyncedNames.push({ path: to ?? from ?? "", keep });
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
    faults.onOperation("write", this.#path);
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
    this.#disk.faults.onOperation("read", this.#path);
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
    this.#disk.faults.onOperation("truncate", this.#path);
    this.#inode.truncate(length);
  }

  async sync(): Promise<void> {
    await this.#disk.beforeSync(this.#path);
    this.#check();
    const { faults } = this.#disk;
    faults.onOperation("sync", this.#path);
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
