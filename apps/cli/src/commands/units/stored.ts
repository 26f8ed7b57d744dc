import {
  type DependencyGraph,
  dependencyGraph,
  formatDot,
  mangleUnitName,
  orderingCycles,
  type StoredUnit,
  SYSTEM_UNIT_PATHS,
  type UnitModel,
  UnitStore,
  UnitsError,
} from "@flotilla/units";
import { nodeFileSystem } from "@flotilla/units/node";
import { CliError, Exit } from "../../errors.js";
import { showJson } from "../../output/output.js";
import { printError, printOut } from "./terminal.js";

export interface StoreOptions {
  /** Folders with colons between, instead of systemd's. */
  readonly path?: string;
  /** Another root, as a container's or an image's. */
  readonly root?: string;
}

export interface GraphOptions extends StoreOptions {
  readonly output: string;
  readonly failOn: string;
}

function openStore({ path, root }: StoreOptions): UnitStore {
  const paths = path === undefined ? SYSTEM_UNIT_PATHS : path.split(":").filter(Boolean);
  return new UnitStore({ fileSystem: nodeFileSystem(root === undefined ? {} : { root }), paths });
}

/** Names as people type them: `web` is web.service, `/home` is home.mount. */
function load(store: UnitStore, text: string): StoredUnit {
  try {
    return store.load(mangleUnitName(text));
  } catch (error) {
    if (UnitsError.is(error)) throw new CliError(error.message, { hint: error.hint, exitCode: 2 });
    throw error;
  }
}

/** units cat: the files that make a unit, drop-ins behind, each under its path, as systemctl cat. */
export async function cat(names: readonly string[], options: StoreOptions): Promise<void> {
  const store = openStore(options);
  let missing = false;
  for (const [index, name] of names.entries()) {
    const unit = load(store, name);
    if (unit.path === undefined) {
      missing = true;
      await printError(`No files found for ${unit.name}.\n`);
      continue;
    }
    const parts = [{ path: unit.path, text: unit.file?.text ?? "" }].concat(
      unit.dropIns.map(({ path, file }) => ({ path, text: file.text })),
    );
    const text = parts.map((part) => `# ${part.path}\n${lineEnded(part.text)}`).join("\n");
    await printOut(index === 0 ? text : `\n${text}`);
  }
  if (missing) throw new Exit(1);
}

function lineEnded(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

/**
 * units graph: what units say of one another, and the cycles in their order; exit code 1 where there
 * are some, unless --fail-on never.
 */
export async function graph(names: readonly string[], options: GraphOptions): Promise<void> {
  const store = openStore(options);
  const found = dependencyGraph(models(store, names));
  const cycles = orderingCycles(found);
  await printOut(show(found, cycles, options.output));
  if (options.output !== "text" && options.output !== "json") {
    for (const cycle of cycles) await printError(`${cycleText(cycle)}\n`);
  }
  if (cycles.length > 0 && options.failOn !== "never") throw new Exit(1);
}

/** The units named and all that they name; without names, all of the search path but templates. */
function models(store: UnitStore, names: readonly string[]): UnitModel[] {
  const all = names.length === 0 ? store.names.filter((name) => !name.includes("@.")) : names;
  const found = new Map<string, UnitModel>();
  const queue = all.map((name) => load(store, name));
  for (const { name, unit } of queue) {
    if (unit === undefined || found.has(name)) continue;
    found.set(name, unit);
    if (names.length === 0) continue;
    for (const { to } of dependencyGraph([unit]).edges) {
      if (!found.has(to)) queue.push(load(store, to));
    }
  }
  return [...found.values()];
}

function show(
  found: DependencyGraph,
  cycles: readonly (readonly string[])[],
  output: string,
): string {
  if (output === "json") return showJson({ ...found, cycles });
  if (output === "dot") return formatDot(found);
  const lines = found.edges.map(({ from, kind, to }) => `${from} ${kind} ${to}`);
  return [...lines, ...cycles.map(cycleText)].map((line) => `${line}\n`).join("");
}

function cycleText(cycle: readonly string[]): string {
  return `cycle: ${[...cycle, cycle[0]].join(" before ")}`;
}
