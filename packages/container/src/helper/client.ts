import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ContainerError, type ContainerErrorCode } from "../errors.js";
import { encodeFrame, FrameReader, PROTOCOL_VERSION } from "./protocol.js";

/** Requests that may wait for the helper's answer at a time; more are refused as "overloaded". */
export const REQUESTS_MAX = 4096;

const STDERR_BYTES_MAX = 8192;

const EMPTY: Buffer = Buffer.alloc(0);

/** Seen from `dist/`, then from `src/helper/`. */
const SCRIPT_CANDIDATES = ["../helper/spawner.pl", "../../helper/spawner.pl"];

export interface HelperOptions {
  /** Directories to hold locked while the helper lives. */
  readonly locks: readonly string[];
  readonly graceMs: number;
  readonly lockWaitMs: number;
  readonly perl: string;
  readonly script: string;
}

/** What the helper tells of one sandbox. */
export interface SandboxEvents {
  output(pid: number, stream: 1 | 2, data: Buffer): void;
  notify(pid: number, data: Buffer): void;
  warning(pid: number, step: string, message: string): void;
  empty(): void;
  /** The helper is gone: what the sandbox still runs must be killed without it. */
  lost(): void;
}

/** What the helper tells of one process. */
export interface ProcessEvents {
  executed(failure: { step: string; exitCode: number; message: string } | undefined): void;
  /** The raw wait status. */
  exited(status: number): void;
}

interface Waiting {
  resolve(values: string[]): void;
  reject(error: Error): void;
  /** Registered under the answered pid before any later message is looked at. */
  readonly process?: ProcessEvents;
}

/** The path of the helper script in this package. */
export async function helperScript(): Promise<string> {
  const { access } = await import("node:fs/promises");
  for (const candidate of SCRIPT_CANDIDATES) {
    const path = fileURLToPath(new URL(candidate, import.meta.url));
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  throw new ContainerError("helper-unavailable", "helper/spawner.pl is missing from the package");
}

/** One running helper process and the conversation with it. */
export class Helper {
  readonly pid: number;
  /** Resolves when the process has ended, however. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<string, Waiting>();
  readonly #sandboxes = new Map<string, SandboxEvents>();
  readonly #processes = new Map<number, ProcessEvents>();
  #nextRequest = 1;
  #lost: ContainerError | undefined;
  #onReady: ((error?: ContainerError) => void) | undefined;
  #stderr = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    const reader = new FrameReader();
    child.stdout?.on("data", (chunk: Buffer) => {
      try {
        for (const message of reader.push(chunk)) this.#receive(message);
      } catch (error) {
        child.kill("SIGKILL");
        this.#lose(`the helper broke its protocol: ${String(error)}`);
      }
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_BYTES_MAX);
    });
    // EPIPE and the like: the end itself is told by "close".
    child.stdin?.on("error", () => {});
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => {
        this.#lose(error.message);
        resolve();
      });
      child.once("close", (code, signal) => {
        this.#lose(`the helper ended with ${signal ?? code}`);
        resolve();
      });
    });
  }

  /** Starts a helper and waits until it holds its locks. */
  static async start(options: HelperOptions): Promise<Helper> {
    const child = spawn(
      options.perl,
      [
        options.script,
        ...options.locks.map((lock) => `lock=${lock}`),
        `lock-wait-ms=${options.lockWaitMs}`,
        `grace-ms=${options.graceMs}`,
      ],
      // A session of its own, so that ^C at the daemon's terminal does not reach it; a clean
      // environment, so that PERL5OPT and its kin do not either.
      { stdio: ["pipe", "pipe", "pipe"], detached: true, env: { LC_ALL: "C" }, cwd: "/" },
    );
    const helper = new Helper(child);
    await helper.#ready(options.perl);
    return helper;
  }

  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** Announces a sandbox; its events arrive until `remove` is answered. */
  async addSandbox(
    id: string,
    fields: {
      track: string;
      notify: string;
      credit: number;
      clone: boolean;
      procs: readonly string[];
    },
    events: SandboxEvents,
  ): Promise<void> {
    this.#sandboxes.set(id, events);
    try {
      await this.request("sandbox", id, [
        fields.track,
        fields.notify,
        String(fields.credit),
        fields.clone ? "1" : "0",
        ...fields.procs,
      ]);
    } catch (error) {
      this.#sandboxes.delete(id);
      throw error;
    }
  }

  /** Kills and forgets a sandbox. */
  async removeSandbox(id: string): Promise<void> {
    await this.request("remove", id, []);
    this.#sandboxes.delete(id);
  }

  /** Forks; resolves with the pid. `settings` are the key-value pairs of `exec`. */
  async exec(id: string, settings: readonly string[], events: ProcessEvents): Promise<number> {
    const [pid] = await this.request("exec", id, settings, events);
    return Number(pid);
  }

  request(
    name: string,
    id: string,
    fields: readonly string[],
    process?: ProcessEvents,
  ): Promise<string[]> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    if (this.#waiting.size >= REQUESTS_MAX) {
      const message = `${REQUESTS_MAX} requests wait for the helper already`;
      return Promise.reject(new ContainerError("overloaded", message));
    }
    const request = String(this.#nextRequest++);
    return new Promise((resolve, reject) => {
      this.#waiting.set(request, { resolve, reject, ...(process ? { process } : {}) });
      this.#child.stdin?.write(encodeFrame([name, request, id, ...fields]));
    });
  }

  /** Lets the helper send `bytes` more of a sandbox's output. */
  credit(id: string, bytes: number): void {
    if (this.#lost === undefined) {
      this.#child.stdin?.write(encodeFrame(["credit", id, String(bytes)]));
    }
  }

  /** Ends the conversation: the helper kills what is left and exits. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    await this.ended;
  }

  async #ready(perl: string): Promise<void> {
    const error = await new Promise<ContainerError | undefined>((resolve) => {
      this.#onReady = resolve;
      if (this.#lost) resolve(this.#lost);
    });
    this.#onReady = undefined;
    if (error === undefined) return;
    this.#child.stdin?.end();
    if (this.#child.pid !== undefined || error.code === "in-use") throw error;
    throw new ContainerError(
      "helper-unavailable",
      `${perl} cannot be started (${error.message}): processes are run through a small Perl ` +
        "program; install the Debian package perl-base",
    );
  }

  #receive([name, ...fields]: Buffer[]): void {
    this.#handlers[String(name)]?.(fields);
  }

  /** What to do with each message; its fields stay bytes until a handler wants text. */
  readonly #handlers: Readonly<Record<string, (fields: Buffer[]) => void>> = {
    ready: ([version]) => this.#onReady?.(versionError(String(version))),
    refused: ([reason]) => this.#onReady?.(refusal(String(reason))),
    reply: (fields) => this.#answer(fields.map(String)),
    executed: (fields) => {
      const [pid, ...failure] = fields.map(String);
      this.#processes.get(Number(pid))?.executed(toFailure(failure));
    },
    exited: (fields) => {
      const [pid, status] = fields.map(Number);
      const process = this.#processes.get(pid ?? 0);
      this.#processes.delete(pid ?? 0);
      process?.exited(status ?? 0);
    },
    output: ([id, pid, stream, data = EMPTY]) =>
      this.#sandboxes.get(String(id))?.output(Number(pid), String(stream) === "2" ? 2 : 1, data),
    notify: ([id, pid, data = EMPTY]) => this.#sandboxes.get(String(id))?.notify(Number(pid), data),
    warning: (fields) => {
      const [id = "", pid, step = "", message = ""] = fields.map(String);
      this.#sandboxes.get(id)?.warning(Number(pid), step, message);
    },
    empty: ([id]) => this.#sandboxes.get(String(id))?.empty(),
  };

  #answer([request = "", verdict, ...values]: string[]): void {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    if (waiting === undefined) return;
    if (verdict === "ok") {
      if (waiting.process) this.#processes.set(Number(values[0]), waiting.process);
      waiting.resolve(values);
    } else waiting.reject(helperError(values[0] ?? "", values[1] ?? ""));
  }

  /** Everything that waits is told; the processes are dead or about to be (see `Sandbox`). */
  #lose(reason: string): void {
    if (this.#lost !== undefined) return;
    const detail = this.#stderr.trim();
    const error = new ContainerError("helper-lost", detail ? `${reason}: ${detail}` : reason);
    this.#lost = error;
    this.#onReady?.(error);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    for (const sandbox of this.#sandboxes.values()) sandbox.lost();
    this.#sandboxes.clear();
    for (const process of this.#processes.values()) {
      process.executed({ step: "HELPER", exitCode: 1, message: error.message });
      process.exited(9);
    }
    this.#processes.clear();
  }
}

function toFailure(
  fields: string[],
): { step: string; exitCode: number; message: string } | undefined {
  const [step, code, message] = fields;
  if (step === undefined) return undefined;
  return { step, exitCode: Number(code), message: message ?? "" };
}

function versionError(version: string | undefined): ContainerError | undefined {
  if (Number(version) === PROTOCOL_VERSION) return undefined;
  return new ContainerError(
    "helper-unavailable",
    `the helper speaks protocol ${version}, this package ${PROTOCOL_VERSION}`,
  );
}

function refusal(reason: string): ContainerError {
  const code = reason.startsWith("in use:") ? "in-use" : "helper-unavailable";
  return new ContainerError(code, reason);
}

const KNOWN_CODES: readonly ContainerErrorCode[] = [
  "exists",
  "not-found",
  "no-process",
  "busy",
  "resources",
];

function helperError(code: string, message: string): ContainerError {
  const known = KNOWN_CODES.find((candidate) => candidate === code);
  return new ContainerError(known ?? "resources", message);
}
