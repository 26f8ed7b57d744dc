import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "tsup";
import { onTestFinished } from "vitest";

const HELPER = join(import.meta.dirname, "../../../container/helper/spawner.pl");

/** `daemon.ts` with all that it needs, from the sources, as a program for a plain `node`. */
export interface DaemonProgram {
  /** Runs units in a process of its own until all are started, then kills that with SIGKILL. */
  runAndKill(directory: string, units: Readonly<Record<string, string>>): Promise<void>;
  remove(): Promise<void>;
}

export async function buildDaemon(): Promise<DaemonProgram> {
  const folder = await mkdtemp(join(tmpdir(), "flotilla-daemon-"));
  await build({
    config: false,
    silent: true,
    entry: { main: join(import.meta.dirname, "daemon.ts") },
    format: "esm",
    target: "node20",
    platform: "node",
    outDir: folder,
    outExtension: () => ({ js: ".mjs" }),
    noExternal: [/.*/],
    esbuildOptions: (options) => {
      options.conditions = ["@flotilla/source"];
    },
  });
  return {
    runAndKill: (directory, units) => runAndKill(join(folder, "main.mjs"), directory, units),
    remove: () => rm(folder, { recursive: true }),
  };
}

async function runAndKill(
  program: string,
  directory: string,
  units: Readonly<Record<string, string>>,
): Promise<void> {
  const settings = JSON.stringify({ directory, units, helper: HELPER });
  const daemon = spawn(process.execPath, [program, settings], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void daemon.kill("SIGKILL"));
  const ended = once(daemon, "exit");
  await Promise.race([
    once(daemon.stdout, "data"),
    ended.then(([code]) => Promise.reject(new Error(`the daemon ended with ${code}`))),
  ]);
  daemon.kill("SIGKILL");
  await ended;
}
