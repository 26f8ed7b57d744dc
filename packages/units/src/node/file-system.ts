import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { resolveLink, type UnitFileSystem } from "../load/file-system.js";

/**
 * The disk, for `UnitStore`. With `root`, paths are below that folder, as those of `systemctl --root`
 * are; links are read as they are written, and those that are absolute count from `root`, too.
 */
export function nodeFileSystem(options: { root?: string } = {}): UnitFileSystem {
  const root = (options.root ?? "").replace(/\/+$/, "");
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch {
      return undefined;
    }
  };
  const readLink = (path: string): string | undefined =>
    attempt(() => readlinkSync(`${root}${path}`));
  /** The file itself, so that a link in `root` does not lead out of it. */
  const target = (path: string): string => {
    let at = path;
    for (let step = 0; root !== "" && step < LINKS_MAX; step++) {
      const link = readLink(at);
      if (link === undefined) break;
      at = resolveLink(at, link);
    }
    return `${root}${at}`;
  };
  return {
    readFile: (path) => attempt(() => readFileSync(target(path), "utf8")),
    readFolder: (path) => attempt(() => readdirSync(target(path))),
    readLink,
  };
}

/** Links that may lead to one another, as in Linux. */
const LINKS_MAX = 40;
