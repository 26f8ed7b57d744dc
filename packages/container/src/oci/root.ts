import { lstat, readFile, readlink, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { ContainerError } from "../errors.js";

/** As many links as the kernel follows in one path (path_resolution(7)). */
const LINKS_MAX = 40;

/** Checks that a container's root is a directory, and gives it without symbolic links. */
export async function checkRoot(directory: string): Promise<string> {
  if (!directory.startsWith("/")) {
    throw new ContainerError("bad-root", `root directory ${directory} is not an absolute path`);
  }
  try {
    const path = await realpath(directory);
    if ((await stat(path)).isDirectory()) return path;
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new ContainerError("bad-root", `root directory ${directory}: ${reason}`, { cause });
  }
  throw new ContainerError("bad-root", `root directory ${directory} is not a directory`);
}

/**
 * Where a path of the container is on the host: every symbolic link is followed inside the root,
 * as if it were `/`, so that a link in an image cannot lead out. Undefined where nothing is.
 */
export async function resolveInRoot(root: string, path: string): Promise<string | undefined> {
  const pending = path.split("/");
  const done: string[] = [];
  let links = 0;
  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      done.pop();
      continue;
    }
    const here = join(root, ...done, part);
    const found = await lstat(here).catch(() => undefined);
    if (found === undefined) return undefined;
    if (!found.isSymbolicLink()) {
      done.push(part);
      continue;
    }
    if (++links > LINKS_MAX) return undefined;
    const target = await readlink(here);
    if (target.startsWith("/")) done.length = 0;
    pending.unshift(...target.split("/"));
  }
  return join(root, ...done);
}

/** A text file of the container; empty where there is none. */
export async function readInRoot(root: string, path: string): Promise<string> {
  const host = await resolveInRoot(root, path);
  if (host === undefined) return "";
  return readFile(host, "utf8").catch(() => "");
}
