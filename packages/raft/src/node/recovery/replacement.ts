import { RaftError } from "../../index.js";
import { type Disk, namesIn, readAll, writeAll } from "../disk/disk.js";

/*
 * All files of a member's folder are replaced at once: the new ones are made in `recovery`, then
 * `recovery.json` names them, which is the moment from which they count, and then they take the
 * old ones' places. A crash before that moment leaves the old files as they were; after it, the next
 * start goes on with what is left to do, and what is done twice does no harm.
 */

const FOLDERS = ["snapshots", "log"] as const;
const PLAN = "recovery.json";

/** Names of the new files, by folder. */
type Plan = Readonly<Record<(typeof FOLDERS)[number], readonly string[]>>;

/** The folder in which the new `log` and `snapshots` are made. */
export function stagedFolder(directory: string): string {
  return `${directory}/recovery`;
}

/** True when files are there that count and are not in their places yet. */
export async function isReplacing(disk: Disk, directory: string): Promise<boolean> {
  return ((await namesIn(disk, directory)) ?? []).includes(PLAN);
}

/** Puts the durable files of the staged folder in the places of the old ones. */
export async function replaceFiles(disk: Disk, directory: string): Promise<void> {
  const staged = stagedFolder(directory);
  const plan: Plan = {
    snapshots: (await namesIn(disk, `${staged}/snapshots`)) ?? [],
    log: (await namesIn(disk, `${staged}/log`)) ?? [],
  };
  const draft = `${directory}/recovery.tmp`;
  await disk.remove(draft);
  const file = await disk.open(draft, "create");
  try {
    await writeAll(file, new TextEncoder().encode(JSON.stringify(plan)), 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(draft, `${directory}/${PLAN}`);
  await disk.syncDirectory(directory);
  await finishReplacement(disk, directory);
}

/** Finishes what a crash cut off, or takes away what it left; to be called before files are opened. */
export async function finishReplacement(disk: Disk, directory: string): Promise<void> {
  const staged = stagedFolder(directory);
  if (!(await isReplacing(disk, directory))) {
    await discardStaged(disk, directory);
    return;
  }
  const plan = await readPlan(disk, `${directory}/${PLAN}`);
  for (const folder of FOLDERS) {
    await disk.makeDirectory(`${directory}/${folder}`);
    const waiting = (await namesIn(disk, `${staged}/${folder}`)) ?? [];
    for (const name of plan[folder]) {
      if (!waiting.includes(name)) continue;
      await disk.rename(`${staged}/${folder}/${name}`, `${directory}/${folder}/${name}`);
    }
    for (const name of await disk.list(`${directory}/${folder}`)) {
      if (!plan[folder].includes(name)) await disk.remove(`${directory}/${folder}/${name}`);
    }
    await disk.syncDirectory(`${directory}/${folder}`);
  }
  await discardStaged(disk, directory);
  await disk.remove(`${directory}/${PLAN}`);
  await disk.syncDirectory(directory);
}

/** Takes away files that do not count. */
export async function discardStaged(disk: Disk, directory: string): Promise<void> {
  const staged = stagedFolder(directory);
  for (const folder of FOLDERS) {
    const names = await namesIn(disk, `${staged}/${folder}`);
    for (const name of names ?? []) await disk.remove(`${staged}/${folder}/${name}`);
    if (names) await disk.removeDirectory?.(`${staged}/${folder}`);
  }
  await disk.removeDirectory?.(staged);
}

async function readPlan(disk: Disk, path: string): Promise<Plan> {
  const file = await disk.open(path, "read");
  try {
    const bytes = new Uint8Array(await file.size());
    await readAll(file, bytes, 0);
    return parsePlan(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw new RaftError("corrupt", `${path}: offset 0: it names no files`, { cause });
  } finally {
    await file.close();
  }
}

function parsePlan(value: Partial<Record<keyof Plan, unknown>>): Plan {
  const names = (list: unknown): string[] => {
    if (Array.isArray(list) && list.every((name) => typeof name === "string")) return list;
    throw new TypeError("expected names");
  };
  return { snapshots: names(value.snapshots), log: names(value.log) };
}
