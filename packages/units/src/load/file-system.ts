/**
 * Where units are loaded from: a disk (`nodeFileSystem` of `@flotilla/units/node`), or memory. Paths
 * are absolute. What cannot be read is as good as not there.
 */
export interface UnitFileSystem {
  /** The text of a file, links followed; undefined where there is none. */
  readFile(path: string): string | undefined;
  /** The names in a folder; undefined where there is none. */
  readFolder(path: string): readonly string[] | undefined;
  /** Where a symbolic link points to, as it is written; undefined for anything else. */
  readLink(path: string): string | undefined;
}

/**
 * Files in memory, for tests and for units that come from elsewhere: text by absolute path, or
 * `{ link }` for a symbolic link.
 *
 * @example
 * ```ts
 * memoryFileSystem({
 *   "/etc/systemd/system/a.service": "[Service]\nExecStart=/bin/true\n",
 *   "/etc/systemd/system/b.service": { link: "a.service" },
 * });
 * ```
 */
export function memoryFileSystem(
  files: Readonly<Record<string, string | { readonly link: string }>>,
): UnitFileSystem {
  const entries = new Map(Object.entries(files));
  const folders = new Map<string, Set<string>>();
  for (const path of entries.keys()) {
    for (let at = path.lastIndexOf("/"); at >= 0; at = path.lastIndexOf("/", at - 1)) {
      const folder = path.slice(0, at) || "/";
      const name = path.slice(at + 1).split("/")[0]!;
      folders.set(folder, (folders.get(folder) ?? new Set()).add(name));
      if (at === 0) break;
    }
  }
  const readFile = (path: string, links = LINKS_MAX): string | undefined => {
    const entry = entries.get(path);
    if (typeof entry !== "object") return entry;
    return links === 0 ? undefined : readFile(resolveLink(path, entry.link), links - 1);
  };
  return {
    readFile: (path) => readFile(path),
    readFolder: (path) => {
      const names = folders.get(path);
      return names === undefined ? undefined : [...names];
    },
    readLink: (path) => {
      const entry = entries.get(path);
      return typeof entry === "object" ? entry.link : undefined;
    },
  };
}

/** Links that may lead to one another, as in Linux. */
const LINKS_MAX = 40;

/** The absolute path that a link at `path` leads to. */
export function resolveLink(path: string, target: string): string {
  const whole = target.startsWith("/")
    ? target
    : `${path.slice(0, path.lastIndexOf("/"))}/${target}`;
  const parts: string[] = [];
  for (const part of whole.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
