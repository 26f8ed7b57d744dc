import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { has } from "../support.js";
import { isRoot } from "./abilities.js";

const CRUN = "/usr/bin/crun";
const BUSYBOX = "/bin/busybox";

/** Whether this machine can run units with a root file system. */
export const containers: boolean = isRoot && has(CRUN) && has(BUSYBOX);
if (!containers) console.warn("skipped: needs root and Debian's packages crun and busybox-static");

/** A root file system of busybox alone. */
export function busyboxRoot(directory: string): string {
  const root = mkdtempSync(join(directory, "root-"));
  chmodSync(root, 0o755);
  for (const folder of ["bin", "etc"]) mkdirSync(join(root, folder));
  copyFileSync(BUSYBOX, join(root, "bin/busybox"));
  for (const applet of ["sh", "cat", "sleep", "ls", "hostname", "id", "dd"]) {
    symlinkSync("busybox", join(root, "bin", applet));
  }
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/:/bin/sh\nweb:x:1234:1234::/:/bin/sh\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\nweb:x:1234:\n");
  return root;
}

export interface Container {
  readonly id: string;
  readonly pid: number;
  readonly status: string;
}

/** Containers of a member with this data directory, as crun itself tells. */
export function listContainers(dataDirectory: string): Container[] {
  const root = join(dataDirectory, "runtime/oci/state");
  if (!existsSync(root)) return [];
  const text = execFileSync(CRUN, ["--root", root, "list", "-f", "json"], { encoding: "utf8" });
  return (JSON.parse(text) as Container[] | null) ?? [];
}
