import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A temporary folder that is gone when the test is over. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "flotilla-e2e-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Runs the clean-up of what was opened, the last first, when the test is over. */
export function untilFinished<T extends AsyncDisposable>(resource: T): T {
  onTestFinished(async () => resource[Symbol.asyncDispose]());
  return resource;
}

export const has = (path: string): boolean => existsSync(path);
export const ETCDCTL = "/usr/bin/etcdctl";
