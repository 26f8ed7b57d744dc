import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

export interface RealProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Both streams are appended here. */
  readonly log: string;
  readonly env?: Readonly<Record<string, string>>;
}

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** A process of its own session, with its output in a file, to be killed, paused and waited for by pid. */
export class RealProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #log: string;
  #exit: Exit | undefined;

  constructor(options: RealProcessOptions) {
    const log = openSync(options.log, "a");
    this.#log = options.log;
    this.#child = spawn(options.command, options.args, {
      stdio: ["ignore", log, log],
      // Ctrl-C goes to whoever runs the harness, which then decides in which order things stop.
      detached: true,
      env: { ...process.env, ...options.env },
    });
    closeSync(log);
    this.exited = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("exit", (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
    this.exited.catch(() => undefined);
    this.pid = this.#child.pid ?? -1;
  }

  get running(): boolean {
    return this.#exit === undefined && this.pid > 0;
  }

  /** Everything it wrote so far, with what earlier processes wrote to the same log. */
  output(): string {
    return readFileSync(this.#log, "utf8");
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) process.kill(this.pid, signal);
  }

  /** SIGKILL, and waits until it is gone: what a machine's death is to its processes. */
  async kill(): Promise<Exit> {
    this.signal("SIGKILL");
    return this.exited;
  }

  pause(): void {
    this.signal("SIGSTOP");
  }

  resume(): void {
    this.signal("SIGCONT");
  }

  /** SIGTERM, then SIGKILL after `limitMs` (15,000). */
  async stop(limitMs = 15_000): Promise<Exit> {
    this.resume();
    this.signal("SIGTERM");
    const limit = setTimeout(() => this.signal("SIGKILL"), limitMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(limit);
    }
  }
}
