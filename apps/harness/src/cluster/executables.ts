import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Root of the repository: this package lies in `apps/harness` of it. */
export const REPOSITORY: string = join(
  dirname(createRequire(import.meta.url).resolve("@flotilla/harness/package.json")),
  "../..",
);

/** The repository's own programs, to be run with this Node. */
export const FLOTILLAD: string = join(REPOSITORY, "bin/flotillad");
export const FLOTILLA: string = join(REPOSITORY, "bin/flotilla");
export const ETCD: string = join(REPOSITORY, "bin/etcd");
/** Debian's etcd (package etcd-server). */
export const DEBIAN_ETCD = "/usr/bin/etcd";
