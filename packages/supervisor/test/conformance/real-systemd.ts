import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const TOOL = resolve(import.meta.dirname, "../../../../../shared/tools/real-systemd/systemd-pid1");

const WARM_UP = "warm-up.service";

/** Why systemd cannot be run here as an oracle; undefined when it can. */
export const NO_SYSTEMD: string | undefined = whyNot();

function whyNot(): string | undefined {
  if (!existsSync(TOOL)) return "the shared tool real-systemd is absent";
  if (process.getuid?.() !== 0) return "needs root";
  const installed = existsSync("/usr/bin/busctl") && existsSync("/usr/bin/dbus-daemon");
  return installed ? undefined : "needs the Debian packages systemd and dbus";
}

/** The machine's systemd as PID 1 of namespaces of its own. */
export class RealSystemd {
  readonly #directory: string;
  readonly #pid: string;

  private constructor(directory: string, pid: string) {
    this.#directory = directory;
    this.#pid = pid;
  }

  static async boot(directory: string, units: ReadonlyMap<string, string>): Promise<RealSystemd> {
    const folder = join(directory, "units");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, WARM_UP), "[Service]\nType=oneshot\nExecStart=/bin/true\n");
    for (const [name, text] of units) await writeFile(join(folder, name), text);
    const tool = spawn(TOOL, ["start", directory, folder], { stdio: "ignore" });
    const code = await new Promise((done) => tool.once("exit", done));
    if (code !== 0) throw new Error("systemd did not come up");
    const outer = (await readFile(join(directory, "pid"), "utf8")).trim();
    const children = await readFile(`/proc/${outer}/task/${outer}/children`, "utf8");
    const systemd = new RealSystemd(directory, children.trim());
    await systemd.inside("systemctl", "log-target", "journal");
    await systemd.inside("systemctl", "log-level", "debug");
    // The first lines after the change get lost: wait until some do not.
    for (let tries = 0; tries < 50; tries += 1) {
      await systemd.inside("systemctl", "start", WARM_UP);
      const told = (await systemd.log()).some((line) => line.startsWith(`${WARM_UP}: Changed`));
      if (told) return systemd;
    }
    throw new Error("systemd does not log");
  }

  /** Runs a command in systemd's namespaces; gives what it prints, whatever its exit code. */
  async inside(...command: readonly string[]): Promise<string> {
    const entered = ["-t", this.#pid, "-a", ...command];
    const result = await run("nsenter", entered, { maxBuffer: 64 * 1024 * 1024 }).catch(
      (error: { stdout: string }) => error,
    );
    return result.stdout;
  }

  /** The lines that systemd itself has logged. */
  async log(): Promise<string[]> {
    await this.inside("journalctl", "--sync");
    return (await this.inside("journalctl", "-o", "cat", "_PID=1")).split("\n");
  }

  async stop(): Promise<void> {
    await run(TOOL, ["stop", this.#directory]);
  }
}
