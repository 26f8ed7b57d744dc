import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openDataDirectory } from "./data-directory.js";

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "flotilla-data-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return join(path, "data");
}

it("keeps its identity", () => {
  const path = directory();
  const first = openDataDirectory(path, "one");
  const { machineId, directoryId } = first;
  expect(machineId).toMatch(/^[0-9a-f]{32}$/);
  first[Symbol.dispose]();
  const second = openDataDirectory(path, "one");
  expect(second).toMatchObject({ machineId, directoryId });
  second[Symbol.dispose]();
});

it("refuses another cluster, and unlocks again", () => {
  const path = directory();
  openDataDirectory(path, "one")[Symbol.dispose]();
  expect(() => openDataDirectory(path, "two")).toThrow(/belongs to cluster "one", not "two"/);
  openDataDirectory(path, "one")[Symbol.dispose]();
});

it("takes over the lock of a process that is gone, never that of one that lives", () => {
  const path = directory();
  openDataDirectory(path, "one")[Symbol.dispose]();
  const lock = join(path, "lock");
  writeFileSync(lock, "1 12345");
  openDataDirectory(path, "one")[Symbol.dispose]();
  const stat = readFileSync("/proc/1/stat", "utf8");
  const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  writeFileSync(lock, `1 ${started}`);
  expect(() => openDataDirectory(path, "one")).toThrow(`${lock}: held by process 1`);
});
