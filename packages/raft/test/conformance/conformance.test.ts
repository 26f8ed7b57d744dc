import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { findScripts, runScript, scriptName } from "./runner.js";

const folder = resolve(import.meta.dirname, "../../../../../shared/conformance/raft");
const scripts = findScripts(folder);

describe("transcripts of etcd-io/raft", () => {
  if (scripts.length === 0) {
    it.skip("no shared/conformance/raft beside the repository: nothing to compare with");
  }

  it.each(scripts.map((path) => [scriptName(folder, path), path]))("%s", (_, path) => {
    const { commands, mismatches } = runScript(path);
    expect(commands).toBeGreaterThan(0);
    const faults = mismatches.map(({ line, command, diff }) => `line ${line}: ${command}\n${diff}`);
    expect(faults).toEqual([]);
  });
});
