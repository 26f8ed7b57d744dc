import { spawn } from "node:child_process";
import { once } from "node:events";
import { type FileHandle, open } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

/** The socket's name in the runtime's directory, where a helper waits for another daemon. */
const SOCKET = "helper";

const STDERR_BYTES_MAX = 8192;

/** How a helper is started. */
export interface HelperOptions {
  /** Directories to hold locked while the helper lives. */
  readonly locks: readonly string[];
  readonly graceMs: number;
  readonly lockWaitMs: number;
  readonly perl: string;
  readonly script: string;
  /** Wait so long for another daemon, at a socket in `directory`, once this one is gone. */
  readonly adopt?: { readonly ms: number; readonly directory: string };
}

/** The two directions of a conversation with a helper, and its end. */
export interface HelperLink {
  /** 0 until the helper has told it. */
  readonly pid: number;
  readonly input: Writable;
  readonly output: Readable;
  /** Resolves with the reason once nothing will come any more. */
  readonly ended: Promise<string>;
  kill(): void;
}

/** Starts a helper process, a child of this one. */
export function spawnHelper(options: HelperOptions): HelperLink {
  const { adopt } = options;
  const child = spawn(
    options.perl,
    [
      options.script,
      ...options.locks.map((lock) => `lock=${lock}`),
      `lock-wait-ms=${options.lockWaitMs}`,
      `grace-ms=${options.graceMs}`,
      ...(adopt === undefined ? [] : [`adopt-ms=${adopt.ms}`, `socket=${adopt.directory}`]),
    ],
    // A session of its own, so that ^C at the daemon's terminal does not reach it; a clean
    // environment, so that PERL5OPT and its kin do not either.
    { stdio: ["pipe", "pipe", "pipe"], detached: true, env: { LC_ALL: "C" }, cwd: "/" },
  );
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-STDERR_BYTES_MAX);
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => {
      const reason = `the helper ended with ${signal ?? code}`;
      const detail = stderr.trim();
      resolve(detail ? `${reason}: ${detail}` : reason);
    });
  });
  return {
    pid: child.pid ?? 0,
    input: child.stdin,
    output: child.stdout,
    ended,
    kill: () => void child.kill("SIGKILL"),
  };
}

/** Connects to a helper that an earlier daemon left in `directory`; undefined where there is none. */
export async function connectHelper(directory: string): Promise<HelperLink | undefined> {
  const folder = await open(directory, "r");
  try {
    return await connectIn(folder);
  } finally {
    await folder.close();
  }
}

async function connectIn(folder: FileHandle): Promise<HelperLink | undefined> {
  // A socket's path has 107 bytes at most, the directory's may have more.
  const socket = connect(join("/proc/self/fd", String(folder.fd), SOCKET));
  try {
    await once(socket, "connect");
  } catch {
    socket.destroy();
    return undefined;
  }
  const ended = new Promise<string>((resolve) => {
    socket.on("error", (error) => resolve(error.message));
    socket.once("close", () => resolve("the helper ended"));
  });
  return { pid: 0, input: socket, output: socket, ended, kill: () => void socket.destroy() };
}
