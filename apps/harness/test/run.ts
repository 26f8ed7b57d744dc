import { execFile } from "node:child_process";
import { FLOTILLA } from "../src/index.js";

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; a non-zero exit is a result, not an error. */
export function run(
  command: string,
  args: readonly string[],
  options: { readonly env?: Record<string, string>; readonly timeoutMs?: number } = {},
): Promise<RunResult> {
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      {
        env: { ...process.env, ...options.env },
        timeout: options.timeoutMs ?? 30_000,
        killSignal: "SIGKILL",
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
  });
}

/** Runs the `flotilla` command with these arguments. */
export type Cli = (...args: string[]) => Promise<RunResult>;

/** The `flotilla` command against one cluster. */
export function cli(endpoints: readonly string[]): Cli {
  return (...args) =>
    run(process.execPath, [FLOTILLA, ...args], {
      env: { FLOTILLA_ENDPOINT: endpoints.join(",") },
      timeoutMs: 60_000,
    });
}
