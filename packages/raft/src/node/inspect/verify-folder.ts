import { NodeDisk } from "../disk/node-disk.js";
import { lockFolder } from "../storage/lock.js";
import { findFolder } from "./find-folder.js";
import { readFolder } from "./inspect-folder.js";
import type { FolderReport, InspectOptions } from "./types.js";

/**
 * As `inspectFolder`, for a verdict: `damages` is empty where all is right. Refuses while a member has
 * the folder open, and keeps one from starting for as long as it reads.
 *
 * @throws RaftError `storage-failed` while a member has it or where it cannot be read,
 * `invalid-config` where there is no such folder
 */
export async function verifyFolder(
  directory: string,
  options: InspectOptions = {},
): Promise<FolderReport> {
  const disk = options.disk ?? new NodeDisk();
  const folder = await findFolder(disk, directory);
  const unlock = await lockFolder(disk, folder);
  try {
    return await readFolder(disk, folder, false);
  } finally {
    await unlock();
  }
}
