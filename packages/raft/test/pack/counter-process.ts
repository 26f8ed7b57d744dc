import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { createInterface } from "node:readline";

/** How long a proposal may be refused for want of a leader. */
const PATIENCE_MS = 30_000;

/** One process of `examples/three-processes.ts`, compiled, and what it says. */
export class Counter {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];
  readonly #ended: Promise<unknown>;
  #leader = 0;
  #news: () => void = () => {};

  constructor(folder: string, id: number, ports: readonly number[]) {
    const args = ["three-processes.js", `${id}`, ports.join(",")];
    this.#child = spawn(process.execPath, args, { cwd: folder });
    this.#ended = once(this.#child, "exit");
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface(stream).on("line", (line) => {
        const leads = /^member (\d+) leads/.exec(line);
        if (leads) this.#leader = Number(leads[1]);
        else this.#lines.push(line);
        this.#news();
      });
    }
  }

  /** Resolves with the sum, once the group has taken the number. */
  async add(amount: number): Promise<number> {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      this.#child.stdin.write(`${amount}\n`);
      while (this.#lines.length === 0) await this.#until(end);
      const line = this.#lines.shift()!;
      if (/^\d+$/.test(line)) return Number(line);
      // Anything but this may have taken effect, and must not be repeated.
      if (!/no leader|does not lead|was replaced|transferred/.test(line)) throw new Error(line);
    }
  }

  /** Resolves with the leader's number. */
  async leader(): Promise<number> {
    const end = performance.now() + PATIENCE_MS;
    while (this.#leader === 0) await this.#until(end);
    return this.#leader;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  async #until(end: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const wait = end - performance.now();
      const timer = setTimeout(() => reject(new Error("the process says nothing")), wait);
      this.#news = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
