import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { type Disk, type DiskFile, NodeDisk } from "../../src/node/index.js";

/** How a batch gets to the disk. */
export type Variant = "shipped" | "synchronous" | "worker";

export const VARIANTS: readonly Variant[] = ["shipped", "synchronous", "worker"];

/** The bytes of each batch that was synced. */
export interface Batches {
  readonly bytes: number[];
}

/** A disk for the log alone, and what goes through it; `close` ends its worker. */
export function diskOf(variant: Variant): Disk & { batches: Batches; close: () => Promise<void> } {
  const batches: Batches = { bytes: [] };
  const worker = variant === "worker" ? new SyncWorker() : null;
  const real = new NodeDisk();
  return Object.assign(
    {
      makeDirectory: (path: string) => real.makeDirectory(path),
      list: (path: string) => real.list(path),
      rename: (from: string, to: string) => real.rename(from, to),
      remove: (path: string) => real.remove(path),
      syncDirectory: (path: string) => real.syncDirectory(path),
      open: async (path: string, mode: "existing" | "create" | "read") => {
        const file = await real.open(path, mode);
        // Spares are made ahead, by the pool, whatever the variant.
        if (variant === "synchronous") return counted(synchronous(file, path), batches);
        if (worker) return counted(byWorker(file, path, worker), batches);
        return counted(file, batches);
      },
    },
    { batches, close: async () => await worker?.close() },
  );
}

/** Counts what `writeNow` gives between two syncs: that is how the log writes its batches. */
function counted(file: DiskFile, { bytes }: Batches): DiskFile {
  let pending = 0;
  return {
    ...methodsOf(file),
    writeNow(chunk, position) {
      const written = file.writeNow(chunk, position);
      pending += written;
      return written;
    },
    async sync() {
      if (pending > 0) bytes.push(pending);
      pending = 0;
      await file.sync();
    },
  };
}

function methodsOf(file: DiskFile): DiskFile {
  return {
    writeNow: (bytes, position) => file.writeNow(bytes, position),
    write: (bytes, position) => file.write(bytes, position),
    read: (into, position) => file.read(into, position),
    size: () => file.size(),
    truncate: (length) => file.truncate(length),
    sync: () => file.sync(),
    close: () => file.close(),
  };
}

/** The fdatasync, too, on the event loop. */
function synchronous(file: DiskFile, path: string): DiskFile {
  const fd = openSync(path, "r+");
  let wrote = false;
  return {
    ...methodsOf(file),
    writeNow(bytes, position) {
      wrote = true;
      return writeSync(fd, bytes, 0, bytes.length, position);
    },
    async sync() {
      if (wrote) fdatasyncSync(fd);
      else await file.sync();
    },
    async close() {
      closeSync(fd);
      await file.close();
    },
  };
}

/** Write and fdatasync in another thread: a batch is copied and handed over at its sync. */
function byWorker(file: DiskFile, path: string, worker: SyncWorker): DiskFile {
  const fd = openSync(path, "r+");
  let pending: { bytes: Uint8Array; position: number } | null = null;
  return {
    ...methodsOf(file),
    writeNow(bytes, position) {
      pending = { bytes: bytes.slice(), position };
      return bytes.length;
    },
    async sync() {
      if (!pending) return await file.sync();
      const { bytes, position } = pending;
      pending = null;
      await worker.write(fd, bytes, position);
    },
    async close() {
      closeSync(fd);
      await file.close();
    },
  };
}

const WORKER = `
const { parentPort } = require("node:worker_threads");
const { fdatasyncSync, writeSync } = require("node:fs");
parentPort.on("message", ({ fd, bytes, position }) => {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
  fdatasyncSync(fd);
  parentPort.postMessage(null);
});
`;

/** A thread that takes one batch at a time, as the log gives them. */
class SyncWorker {
  readonly #worker = new Worker(WORKER, { eval: true });
  #done: () => void = () => {};

  constructor() {
    this.#worker.on("message", () => this.#done());
  }

  write(fd: number, bytes: Uint8Array, position: number): Promise<void> {
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#worker.postMessage({ fd, bytes, position }, [bytes.buffer as ArrayBuffer]);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
