import { RaftError } from "../../index.js";

/**
 * The file system as the log and the snapshots use it: a port, so that tests can take a disk that
 * loses power, tears writes, fills up or fails an fsync. {@link NodeDisk} is the real one.
 */
export interface Disk {
  /** Creates the folder and its parents where absent, durably. */
  makeDirectory(path: string): Promise<void>;
  /** Names in a folder, in no order. */
  list(path: string): Promise<string[]>;
  /**
   * Opens for reading and writing; `create` makes a new file and fails where one exists, `read` is
   * for reading alone.
   */
  open(path: string, mode: "existing" | "create" | "read"): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; an absent one is no error. */
  remove(path: string): Promise<void>;
  /** Removes an empty folder; absent where folders need no removal. */
  removeDirectory?(path: string): Promise<void>;
  /** Makes creations, renames and removals in the folder durable. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Keeps other processes out of a folder until the returned function is called or this process
   * ends, however it ends; rejects with code `EADDRINUSE` when one is in. Absent where there
   * is no means for it.
   */
  lock?(path: string): Promise<() => Promise<void>>;
}

/** An open file. Errors carry Node's `code` (`ENOSPC`, `EIO`…). */
export interface DiskFile {
  /** Writes without leaving the thread (into the page cache). May write short: returns how much. */
  writeNow(bytes: Uint8Array, position: number): number;
  /** Writes off the thread. May write short: resolves with how much. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Fills `into` from `position`; resolves with how many bytes there were. May read short. */
  read(into: Uint8Array, position: number): Promise<number>;
  size(): Promise<number>;
  truncate(length: number): Promise<void>;
  /** fdatasync: resolves once all that was written is durable. After a rejection nothing is known. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Writes all of `bytes` off the thread, however short each write is. */
export async function writeAll(file: DiskFile, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const rest = done === 0 ? bytes : bytes.subarray(done);
    done += progress(await file.write(rest, position + done));
  }
}

/** Writes all of `bytes` on the thread, however short each write is. */
export function writeAllNow(file: DiskFile, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length) {
    const rest = done === 0 ? bytes : bytes.subarray(done);
    done += progress(file.writeNow(rest, position + done));
  }
}

/** Reads until `into` is full or the file ends; resolves with how much was read. */
export async function readAll(file: DiskFile, into: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const got = await file.read(into.subarray(done), position + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}

/** Names in a folder; null where there is no such folder. */
export async function namesIn(disk: Disk, path: string): Promise<string[] | null> {
  try {
    return await disk.list(path);
  } catch (cause) {
    const code = errorCode(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw new RaftError("storage-failed", `${path}: ${code ?? String(cause)}`, { cause });
  }
}

/** True for "no space left" and "quota exceeded". */
export function isDiskFull(error: unknown): boolean {
  const code = errorCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

/** Node's `code` of a system error, or undefined. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

/** A write that makes no progress and gives no error would loop for ever: POSIX calls it ENOSPC. */
function progress(written: number): number {
  if (written > 0) return written;
  throw Object.assign(new Error("ENOSPC: a write made no progress"), { code: "ENOSPC" });
}
