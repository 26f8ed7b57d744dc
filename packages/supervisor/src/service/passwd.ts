import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** A line of passwd(5). */
export interface UserEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** Finds a user by name or number in /etc/passwd, that of `root` when given. */
export async function findUser(user: string, root = "/"): Promise<UserEntry | undefined> {
  const text = await readFile(join(root, "etc/passwd"), "utf8").catch(() => "");
  for (const line of text.split("\n")) {
    const [name, , uid, gid, , home, shell] = line.split(":");
    if (name === undefined || uid === undefined || (name !== user && uid !== user)) continue;
    return {
      name,
      uid: Number(uid),
      gid: Number(gid),
      home: home || "/",
      shell: shell || "/bin/sh",
    };
  }
  return undefined;
}

/** Finds a group's number by name or number in /etc/group. */
export async function findGroup(group: string): Promise<number | undefined> {
  if (/^\d+$/.test(group)) return Number(group);
  const text = await readFile("/etc/group", "utf8").catch(() => "");
  const line = text.split("\n").find((one) => one.startsWith(`${group}:`));
  return line === undefined ? undefined : Number(line.split(":")[2]);
}
