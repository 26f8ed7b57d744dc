import { RaftError } from "../../index.js";
import { type Disk, errorCode } from "../disk/disk.js";

/**
 * Keeps others out of a member's folder, since two processes would each repair what the other is
 * writing; resolves with the function that lets them in again.
 *
 * @throws RaftError `storage-failed` when another process has it
 */
export async function lockFolder(disk: Disk, directory: string): Promise<() => Promise<void>> {
  const unlock = await tryLockFolder(disk, directory);
  if (unlock) return unlock;
  throw new RaftError("storage-failed", `${directory}: another process has it open`);
}

/** As {@link lockFolder}, but null when another process has it. */
export async function tryLockFolder(
  disk: Disk,
  directory: string,
): Promise<(() => Promise<void>) | null> {
  if (!disk.lock) return async () => {};
  try {
    return await disk.lock(directory);
  } catch (cause) {
    if (errorCode(cause) === "EADDRINUSE") return null;
    throw new RaftError("storage-failed", `${directory}: ${String(cause)}`, { cause });
  }
}
