import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { messageOf, NodeError } from "../errors.js";

/** A machine's folder, locked for this process, with what tells the machine from others. */
export interface DataDirectory extends Disposable {
  readonly path: string;
  /** 32 hex digits, made once. */
  readonly machineId: string;
  /** Made once with the folder: tells a restart from a second machine with a copied ID. */
  readonly directoryId: string;
  /** Paths of what lies in it. */
  readonly store: string;
  readonly units: string;
  readonly runtime: string;
  readonly socket: string;
}

/**
 * Opens or makes a data directory. Throws NodeError: `data-directory-in-use` when another process
 * has it, `wrong-cluster` when it belongs to another cluster, `failed` when it cannot be written.
 */
export function openDataDirectory(path: string, clusterId: string): DataDirectory {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new NodeError("failed", `cannot make the data directory ${path}: ${messageOf(error)}`, {
      hint: "give a folder that this user can write with --data-dir",
      cause: error,
    });
  }
  const unlock = lock(join(path, "lock"));
  try {
    const known = readOrCreate(join(path, "cluster-id"), () => clusterId);
    if (known !== clusterId) {
      throw new NodeError(
        "wrong-cluster",
        `${join(path, "cluster-id")}: this data directory belongs to cluster "${known}", not "${clusterId}"`,
        { hint: `start with --cluster-id ${known}, or give another --data-dir` },
      );
    }
    const hex = (): string => randomBytes(16).toString("hex");
    return {
      path,
      machineId: readOrCreate(join(path, "machine-id"), hex),
      directoryId: readOrCreate(join(path, "directory-id"), hex),
      store: join(path, "store"),
      units: join(path, "units"),
      runtime: join(path, "runtime"),
      socket: join(path, "api.sock"),
      [Symbol.dispose]: unlock,
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

function readOrCreate(path: string, make: () => string): string {
  try {
    const text = readFileSync(path, "utf8").trim();
    if (text !== "") return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const text = make();
  const file = openSync(path, "w", 0o600);
  try {
    writeSync(file, `${text}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return text;
}

/**
 * A lock that a dead process leaves behind is taken over: it names its holder by pid and start
 * time, which no later process of the same pid shares.
 */
function lock(path: string): () => void {
  const me = `${process.pid} ${startTime(process.pid)}`;
  const own = `${path}.${process.pid}`;
  writeFileSync(own, me, { mode: 0o600 });
  try {
    return takeLock(path, own, me);
  } finally {
    rmSync(own, { force: true });
  }
}

/** `own` holds the whole text before it gets the lock's name: nobody ever reads half a lock. */
function takeLock(path: string, own: string, me: string): () => void {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      linkSync(own, path);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = readLock(path);
    const [pid, started] = holder.split(" ");
    if (holder !== me && pid !== undefined && startTime(Number(pid)) === started) {
      throw new NodeError("data-directory-in-use", `${path}: held by process ${pid}`, {
        hint: "stop that flotillad first, or give another --data-dir",
      });
    }
    takeAway(path, holder);
  }
  throw new NodeError("data-directory-in-use", `${path}: another process took it just now`);
}

function readLock(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** Removes a stale lock, unless another starter was quicker and it is a new one by now. */
function takeAway(path: string, stale: string): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
    if (readFileSync(aside, "utf8") !== stale) linkSync(aside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Start time in clock ticks since boot (proc(5), field 22), or "" where there is no such process. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
