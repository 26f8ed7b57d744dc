import { readFileSync } from "node:fs";
import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import {
  createRuntime,
  type LocalRuntime,
  type LocalSandbox,
  type OutputChunk,
  type ProcessExit,
  type ProcessSpec,
  type RuntimeOptions,
  type SandboxSpec,
} from "../src/index.js";

/** A temporary directory, removed after the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "flotilla-container-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A runtime for one test. */
export async function testRuntime(options: Partial<RuntimeOptions> = {}): Promise<LocalRuntime> {
  const directory = options.directory ?? (await temporaryDirectory());
  const runtime = await createRuntime({ ...options, directory });
  onTestFinished(() => runtime[Symbol.asyncDispose]());
  return runtime;
}

/** A sandbox with what it told. */
export interface Observed {
  readonly sandbox: LocalSandbox;
  readonly output: { stdout: string; stderr: string };
  readonly notified: Readonly<Record<string, string>>[];
  readonly empties: number[];
  /** Runs to the end. */
  run(spec: Partial<ProcessSpec> & { path: string }): Promise<ProcessExit>;
  /** Runs a shell script to the end. */
  shell(script: string, spec?: Partial<ProcessSpec>): Promise<ProcessExit>;
}

export const PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

export async function observe(
  runtime: LocalRuntime,
  spec: Partial<SandboxSpec> = {},
): Promise<Observed> {
  const sandbox = await runtime.create({ id: "test.service", notify: false, ...spec });
  const output = { stdout: "", stderr: "" };
  const notified: Readonly<Record<string, string>>[] = [];
  const empties: number[] = [];
  sandbox.onOutput = ({ stream, data }: OutputChunk) => {
    output[stream] += Buffer.from(data).toString();
  };
  sandbox.onNotify = (message) => notified.push(message);
  sandbox.onEmpty = () => empties.push(Date.now());
  const run: Observed["run"] = async (process) => {
    const running = await sandbox.exec({
      argv: [process.path],
      environment: { PATH },
      ...process,
    });
    return running.exited;
  };
  const shell: Observed["shell"] = (script, process = {}) =>
    run({ path: "/bin/sh", argv: ["sh", "-c", script], ...process });
  return { sandbox, output, notified, empties, run, shell };
}

/** Resolves once `condition` holds; fails after ten seconds. For states that nothing announces. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("not so within ten seconds");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Neither gone nor a zombie that waits for its parent. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
