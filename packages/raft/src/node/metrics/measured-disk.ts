import type { Disk, DiskFile } from "../disk/disk.js";
import type { RaftMetrics } from "./types.js";

/** A disk that tells how long each fdatasync of a file in `directory` took, and what it made durable. */
export function measuredDisk(disk: Disk, directory: string, metrics: RaftMetrics): Disk {
  const lock = disk.lock?.bind(disk);
  return {
    makeDirectory: (path) => disk.makeDirectory(path),
    list: (path) => disk.list(path),
    open: async (path, mode) => {
      const file = await disk.open(path, mode);
      return path.startsWith(`${directory}/`) ? measuredFile(file, metrics) : file;
    },
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    syncDirectory: (path) => disk.syncDirectory(path),
    ...(lock ? { lock } : {}),
  };
}

function measuredFile(file: DiskFile, metrics: RaftMetrics): DiskFile {
  let written = 0;
  return {
    writeNow: (bytes, position) => {
      const count = file.writeNow(bytes, position);
      written += count;
      return count;
    },
    // Zeros for a segment to come: no batch of the log.
    write: (bytes, position) => file.write(bytes, position),
    read: (into, position) => file.read(into, position),
    size: () => file.size(),
    truncate: (length) => file.truncate(length),
    sync: async () => {
      const bytes = written;
      written = 0;
      const begun = performance.now();
      await file.sync();
      if (bytes === 0) return;
      metrics.observe("wal_fsync_seconds", (performance.now() - begun) / 1000);
      metrics.observe("wal_batch_bytes", bytes);
    },
    close: () => file.close(),
  };
}
