import { readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Names of the cgroups right below one; none where it does not exist. */
export async function childCgroups(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** Removes a cgroup and those below it; false while processes are in it. */
export async function removeTree(directory: string): Promise<boolean> {
  for (const child of await childCgroups(directory)) {
    if (!(await removeTree(join(directory, child)))) return false;
  }
  return rmdir(directory).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT",
  );
}

/** SIGKILL to all of a cgroup: at one stroke where the kernel can (5.14), else one by one. */
export async function killCgroup(directory: string): Promise<void> {
  const killed = await writeFile(join(directory, "cgroup.kill"), "1", { flag: "r+" }).then(
    () => true,
    () => false,
  );
  if (killed) return;
  const text = await readFile(join(directory, "cgroup.procs"), "utf8").catch(() => "");
  for (const pid of text.split("\n").filter(Boolean).map(Number)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // Gone already.
    }
  }
  for (const child of await childCgroups(directory)) await killCgroup(join(directory, child));
}
