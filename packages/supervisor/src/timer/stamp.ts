import { mkdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** When a persistent timer last elapsed (Persistent=), as the time of an empty file; undefined before. */
export function readStamp(path: string): number | undefined {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
}

/** Remembers that a timer elapsed at `at`, milliseconds since the epoch. */
export function writeStamp(path: string, at: number): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "", { flag: "a" });
  utimesSync(path, at / 1000, at / 1000);
}
