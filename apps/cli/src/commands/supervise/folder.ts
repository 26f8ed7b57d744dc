import { readdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { isValidUnitName, loadUnit, parseUnitFile, parseUnitName } from "@flotilla/units";

/** The units of a folder: their texts, drop-ins behind them, and which of them start by themselves. */
export interface UnitFolder {
  readonly units: ReadonlyMap<string, string>;
  /** Those with WantedBy= or RequiredBy= in [Install], or a link in a `.wants` or `.requires` folder. */
  readonly enabled: ReadonlySet<string>;
}

/**
 * Reads a folder as systemd reads `/etc/systemd/system`: unit files by name, `NAME.d/*.conf` behind
 * them in the order of their names, instances of templates where a `.wants` link names them. What is
 * no unit file is left alone.
 */
export async function readUnitFolder(directory: string): Promise<UnitFolder> {
  const names = (await readdir(directory)).sort();
  const linked = await linkedUnits(directory, names);
  const files = names.filter((name) => isUnitFile(name));
  const units = new Map<string, string>();
  for (const name of new Set([...files, ...linked])) {
    const parsed = parseUnitName(name);
    if (parsed.isTemplate) continue;
    const own = files.includes(name) ? name : parsed.template;
    if (own === undefined || !files.includes(own)) continue;
    units.set(name, await readUnit(directory, own, [parsed.template, name]));
  }
  const enabled = [...units].filter(([name, text]) => linked.has(name) || isInstalled(name, text));
  return { units, enabled: new Set(enabled.map(([name]) => name)) };
}

function isUnitFile(name: string): boolean {
  return isValidUnitName(name) && !name.endsWith(".d");
}

/** Links in `X.wants` and `X.requires`, as `systemctl enable` makes them. */
async function linkedUnits(directory: string, names: readonly string[]): Promise<Set<string>> {
  const linked = new Set<string>();
  for (const name of names.filter((one) => /\.(wants|requires)$/.test(one))) {
    for (const link of await readdir(join(directory, name)).catch(() => [])) {
      if (isUnitFile(link)) linked.add(link);
    }
  }
  return linked;
}

async function readUnit(
  directory: string,
  file: string,
  names: readonly (string | undefined)[],
): Promise<string> {
  const path = join(directory, file);
  // A link to /dev/null masks the unit: an empty text does the same.
  if ((await realpath(path)) === "/dev/null") return "";
  const parts = [await readFile(path, "utf8")];
  for (const name of names) {
    if (name === undefined) continue;
    const folder = join(directory, `${name}.d`);
    const dropIns = await readdir(folder).catch(() => []);
    for (const dropIn of dropIns.filter((one) => one.endsWith(".conf")).sort()) {
      parts.push(await readFile(join(folder, dropIn), "utf8"));
    }
  }
  return parts.join("\n");
}

function isInstalled(name: string, text: string): boolean {
  const { unit } = loadUnit(name, parseUnitFile(text, { file: name }));
  return unit !== undefined && unit.install.wantedBy.length + unit.install.requiredBy.length > 0;
}
