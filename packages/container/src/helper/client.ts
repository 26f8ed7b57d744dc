import { fileURLToPath } from "node:url";
import { ContainerError, type ContainerErrorCode } from "../errors.js";
import type { ListenerSpec } from "../runtime.js";
import { type HelperFailure, KeptThings, toFailure } from "./kept.js";
import { connectHelper, type HelperLink, type HelperOptions, spawnHelper } from "./link.js";
import { encodeFrame, FrameReader, PROTOCOL_VERSION } from "./protocol.js";

/** Requests that may wait for the helper's answer at a time; more are refused as "overloaded". */
export const REQUESTS_MAX = 4096;

const EMPTY: Buffer = Buffer.alloc(0);

/** Seen from `dist/`, then from `src/helper/`. */
const SCRIPT_CANDIDATES = ["../helper/spawner.pl", "../../helper/spawner.pl"];

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
  executed(failure: HelperFailure | undefined): void;
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

/** The conversation with one helper process. */
export class Helper {
  /** Resolves when nothing can come any more: the process has ended, or this end was closed. */
  readonly ended: Promise<void>;
  readonly #link: HelperLink;
  readonly #waiting = new Map<string, Waiting>();
  readonly #sandboxes = new Map<string, SandboxEvents>();
  readonly #processes = new Map<number, ProcessEvents>();
  readonly #incoming = new Map<string, () => void>();
  readonly #kept: KeptThings = new KeptThings();
  #pid: number;
  #nextRequest = 1;
  #lost: ContainerError | undefined;
  #onReady: ((error?: ContainerError) => void) | undefined;

  private constructor(link: HelperLink) {
    this.#link = link;
    this.#pid = link.pid;
    const reader = new FrameReader();
    link.output.on("data", (chunk: Buffer) => {
      try {
        for (const message of reader.push(chunk)) this.#receive(message);
      } catch (error) {
        link.kill();
        this.#lose(`the helper broke its protocol: ${String(error)}`);
      }
    });
    // EPIPE and the like: the end itself is told by `ended`.
    link.input.on("error", () => {});
    this.ended = link.ended.then((reason) => this.#lose(reason));
  }

  /** Starts a helper and waits until it holds its locks. */
  static async start(options: HelperOptions): Promise<Helper> {
    const helper = new Helper(spawnHelper(options));
    await helper.#ready(options.perl);
    return helper;
  }

  /**
   * Takes over a helper that an earlier daemon left in `directory`; undefined where there is none.
   * Throws "in-use" while another daemon has it.
   */
  static async takeOver(directory: string): Promise<Helper | undefined> {
    const link = await connectHelper(directory);
    if (link === undefined) return undefined;
    const helper = new Helper(link);
    try {
      await helper.#ready("the helper");
      return helper;
    } catch (error) {
      // One that is just ending: its locks tell when it has.
      if (ContainerError.is(error) && error.code === "helper-lost") return undefined;
      throw error;
    }
  }

  get pid(): number {
    return this.#pid;
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

  /** What an earlier daemon left; ask once, right after taking the helper over. */
  async adopt(): Promise<KeptThings> {
    await this.#send("adopt");
    return this.#kept;
  }

  /** Listens to a sandbox that an earlier daemon made. */
  async resumeSandbox(id: string, credit: number, events: SandboxEvents): Promise<void> {
    this.#sandboxes.set(id, events);
    await this.request("resume", id, [String(credit)]);
  }

  /** Keeps a value for the next daemon; "" forgets it. */
  note(key: string, value: string): void {
    this.#write(["note", key, value]);
  }

  /** Should this daemon go, the helper waits for another one no longer than `ms` from now. */
  hold(ms: number): void {
    this.#write(["hold", String(Math.max(0, Math.round(ms)))]);
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

  /** Makes a listener, or finds the one that is there; gives the port that it has. */
  async listen({ id, type, address, mode = 0o666, backlog = 4096 }: ListenerSpec): Promise<number> {
    const [host, port] =
      address.family === "unix" ? [address.path, 0] : [address.host, address.port];
    const fields = [type, address.family, host, String(port), String(mode), String(backlog)];
    const [bound] = await this.request("listen", id, fields);
    return Number(bound);
  }

  /** Calls back once, when something waits at a listener. */
  async arm(id: string, incoming: () => void): Promise<void> {
    this.#incoming.set(id, incoming);
    await this.request("arm", id, []);
  }

  async unlisten(id: string): Promise<void> {
    this.#incoming.delete(id);
    await this.request("unlisten", id, []);
  }

  /** Learns of the end of a process that lost its parent. */
  async watch(id: string, pid: number, events: ProcessEvents): Promise<void> {
    await this.request("watch", id, [String(pid)], events);
  }

  request(
    name: string,
    id: string,
    fields: readonly string[],
    process?: ProcessEvents,
  ): Promise<string[]> {
    return this.#send(name, [id, ...fields], process);
  }

  /** Lets the helper send `bytes` more of a sandbox's output. */
  credit(id: string, bytes: number): void {
    this.#write(["credit", id, String(bytes)]);
  }

  /** Ends the conversation for good: the helper kills what is left and exits. */
  async close(): Promise<void> {
    this.#write(["quit"]);
    this.#link.input.end();
    await this.ended;
  }

  /** Ends the conversation; the helper waits for another daemon, if it was started so. */
  async detach(): Promise<void> {
    this.#link.input.end();
    this.#link.output.destroy();
  }

  #write(fields: readonly string[]): void {
    if (this.#lost === undefined) this.#link.input.write(encodeFrame(fields));
  }

  #send(name: string, fields: readonly string[] = [], process?: ProcessEvents): Promise<string[]> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    if (this.#waiting.size >= REQUESTS_MAX) {
      const message = `${REQUESTS_MAX} requests wait for the helper already`;
      return Promise.reject(new ContainerError("overloaded", message));
    }
    const request = String(this.#nextRequest++);
    return new Promise((resolve, reject) => {
      this.#waiting.set(request, { resolve, reject, ...(process ? { process } : {}) });
      this.#link.input.write(encodeFrame([name, request, ...fields]));
    });
  }

  async #ready(perl: string): Promise<void> {
    const error = await new Promise<ContainerError | undefined>((resolve) => {
      this.#onReady = resolve;
      if (this.#lost) resolve(this.#lost);
    });
    this.#onReady = undefined;
    if (error === undefined) return;
    this.#link.input.end();
    if (this.#pid !== 0 || error.code !== "helper-lost") throw error;
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
    ready: ([version, pid]) => {
      this.#pid = Number(pid);
      this.#onReady?.(versionError(String(version)));
    },
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
    "kept-sandbox": ([id]) => this.#kept.addSandbox(String(id)),
    "kept-note": ([key, value]) => this.#kept.notes.set(String(key), String(value)),
    "kept-process": (fields) => {
      const live = this.#kept.addProcess(fields.map(String));
      if (live) this.#processes.set(live.pid, live.events);
    },
    incoming: ([id]) => {
      const incoming = this.#incoming.get(String(id));
      this.#incoming.delete(String(id));
      incoming?.();
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
    const error = new ContainerError("helper-lost", reason);
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
