import * as fs from "node:fs";
import { createServer } from "node:net";
import { dirname, resolve } from "node:path";
import { type Disk, type DiskFile, errorCode } from "./disk.js";

const FLAGS = { existing: "r+", create: "wx+", read: "r" } as const;

/** The real file system. Files are opened without O_DSYNC: one fdatasync a batch is cheaper. */
export class NodeDisk implements Disk {
  async makeDirectory(path: string): Promise<void> {
    const first = await fs.promises.mkdir(path, { recursive: true });
    if (first === undefined) return;
    // Each folder that was made is a name in the one above it.
    for (let made = resolve(path); made.length >= first.length; made = dirname(made)) {
      await this.syncDirectory(dirname(made));
    }
  }

  async list(path: string): Promise<string[]> {
    return await fs.promises.readdir(path);
  }

  open(path: string, mode: "existing" | "create" | "read"): Promise<DiskFile> {
    return new Promise((resolve, reject) => {
      fs.open(path, FLAGS[mode], 0o600, (error, fd) => {
        if (error) reject(error);
        else resolve(new NodeFile(fd));
      });
    });
  }

  async rename(from: string, to: string): Promise<void> {
    await fs.promises.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    try {
      await fs.promises.unlink(path);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
  }

  async removeDirectory(path: string): Promise<void> {
    try {
      await fs.promises.rmdir(path);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
  }

  async lock(path: string): Promise<() => Promise<void>> {
    return process.platform === "linux" ? await lockName(path) : async () => {};
  }

  async syncDirectory(path: string): Promise<void> {
    const directory = await fs.promises.open(path, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

/**
 * A name in Linux's abstract socket namespace, which the kernel takes back when the process ends,
 * even by SIGKILL; a lock file would stay. It holds within one network namespace.
 */
async function lockName(path: string): Promise<() => Promise<void>> {
  const { dev, ino } = await fs.promises.stat(path, { bigint: true });
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path: `\0flotilla-raft-${dev}-${ino}` }, resolve);
  });
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

/** Plain descriptors and callbacks: the log's hot path pays for neither FileHandle nor its checks. */
class NodeFile implements DiskFile {
  readonly #fd: number;
  #closed = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  writeNow(bytes: Uint8Array, position: number): number {
    return fs.writeSync(this.#fd, bytes, 0, bytes.length, position);
  }

  write(bytes: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.#fd, bytes, 0, bytes.length, position, (error, written) => {
        if (error) reject(error);
        else resolve(written);
      });
    });
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#fd, into, 0, into.length, position, (error, got) => {
        if (error) reject(error);
        else resolve(got);
      });
    });
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.#fd, (error, stats) => (error ? reject(error) : resolve(stats.size)));
    });
  }

  truncate(length: number): Promise<void> {
    return this.#call((done) => fs.ftruncate(this.#fd, length, done));
  }

  sync(): Promise<void> {
    return this.#call((done) => fs.fdatasync(this.#fd, done));
  }

  async close(): Promise<void> {
    // A second close could hit a descriptor that has been given to somebody else.
    if (this.#closed) return;
    this.#closed = true;
    await this.#call((done) => fs.close(this.#fd, done));
  }

  #call(work: (done: (error: Error | null | undefined) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      work((error) => (error ? reject(error) : resolve()));
    });
  }
}
