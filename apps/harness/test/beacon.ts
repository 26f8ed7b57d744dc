import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A service that writes its process's every breath to one file, wherever it runs: the file shows
 * whether two of it ever ran at once. Interval 20 ms.
 */
export class Beacon {
  readonly #file: string;
  readonly #script: string;

  constructor(directory: string) {
    this.#file = join(directory, "beacon.log");
    this.#script = join(directory, "beacon.mjs");
    appendFileSync(this.#file, "");
    writeFileSync(
      this.#script,
      `import { appendFileSync } from "node:fs";
const beat = () => appendFileSync(process.argv[2], process.pid + " " + Date.now() + "\\n");
beat(); setInterval(beat, 20); console.log("beacon " + process.pid);
`,
    );
  }

  unit(extra = ""): string {
    return `[Unit]
Description=Beacon
[Service]
ExecStart=${process.execPath} ${this.#script} ${this.#file}
${extra}`;
  }

  /** pid → first and last breath, milliseconds since the epoch, in order of the first. */
  lives(): { readonly pid: number; readonly from: number; readonly to: number }[] {
    const lives = new Map<number, { pid: number; from: number; to: number }>();
    for (const line of readFileSync(this.#file, "utf8").split("\n")) {
      const [pid, at] = line.split(" ").map(Number);
      if (!pid || !at) continue;
      const life = lives.get(pid);
      if (life === undefined) lives.set(pid, { pid, from: at, to: at });
      else life.to = at;
    }
    return [...lives.values()];
  }

  /** Pairs of processes that ran at the same time. */
  overlaps(): string[] {
    const lives = this.lives();
    return lives.flatMap((a, i) =>
      lives
        .slice(i + 1)
        .filter((b) => b.from <= a.to && a.from <= b.to)
        .map((b) => `${a.pid} (${a.from}–${a.to}) and ${b.pid} (${b.from}–${b.to})`),
    );
  }

  /** Processes of the beacon that are there now. */
  alive(): number[] {
    return this.lives()
      .map(({ pid }) => pid)
      .filter((pid) => {
        const path = `/proc/${pid}/cmdline`;
        return existsSync(path) && readFileSync(path, "utf8").includes(this.#script);
      });
  }
}
