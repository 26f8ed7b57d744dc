import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { findScripts, runScript, scriptName } from "./runner.js";

function runAll(folder: string): void {
  const scripts = findScripts(folder);
  it.each(scripts.map((path) => [scriptName(folder, path), path]))("%s", (_, path) => {
    const { commands, mismatches } = runScript(path);
    expect(commands).toBeGreaterThan(0);
    const faults = mismatches.map(({ line, command, diff }) => `line ${line}: ${command}\n${diff}`);
    expect(faults).toEqual([]);
  });
}

describe("transcripts of etcd-io/raft", () => {
  const folder = resolve(import.meta.dirname, "../../../../../shared/conformance/raft");
  if (existsSync(folder)) runAll(folder);
  else it.skip("no shared/conformance/raft beside the repository: nothing to compare with");
});

describe("own scripts, with what etcd-io/raft answered to them", () => {
  runAll(join(import.meta.dirname, "own"));
});
