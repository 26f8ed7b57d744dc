import { RaftError } from "../../index.js";
import { type Disk, namesIn } from "../disk/disk.js";
import { pointOfName, WHOLE } from "../snapshot/names.js";
import { segmentSequence } from "../wal/segment.js";

/**
 * The member's folder at `directory`: that itself, or the one folder in it that is one, as in the data
 * directory of a program that keeps other things beside it.
 *
 * @throws RaftError `invalid-config` where there is none, or more than one
 */
export async function findFolder(disk: Disk, directory: string): Promise<string> {
  const path = directory.length > 1 ? directory.replace(/\/+$/, "") : directory;
  if (await isFolder(disk, path)) return path;
  const found: string[] = [];
  for (const name of ((await namesIn(disk, path)) ?? []).sort()) {
    if (await isFolder(disk, `${path}/${name}`)) found.push(`${path}/${name}`);
  }
  if (found.length === 1) return found[0]!;
  const message =
    found.length > 1
      ? `${path} holds several members' folders: ${found.join(", ")}`
      : `${path} is no member's folder: there is no log in it`;
  throw new RaftError("invalid-config", message);
}

async function isFolder(disk: Disk, path: string): Promise<boolean> {
  const log = await namesIn(disk, `${path}/log`);
  if (log?.some((name) => segmentSequence(name) !== null)) return true;
  const snapshots = await namesIn(disk, `${path}/snapshots`);
  return snapshots?.some((name) => pointOfName(name, WHOLE) !== null) ?? false;
}
