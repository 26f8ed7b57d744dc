import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { NodeError } from "../errors.js";
import { loadConfig } from "./load-config.js";

function configFile(content: string): string {
  const directory = mkdtempSync(join(tmpdir(), "flotilla-config-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "flotilla.json");
  writeFileSync(path, content);
  return path;
}

function refusal(sources: Parameters<typeof loadConfig>[0]): NodeError {
  try {
    loadConfig(sources);
  } catch (error) {
    if (NodeError.is(error)) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("loadConfig", () => {
  it("takes flags before environment before file before defaults", () => {
    const file = configFile('{"name": "file", "domain": "file.example", "machine-ttl": 9}');
    const config = loadConfig({
      flags: { name: "flag" },
      environment: { FLOTILLA_NAME: "environment", FLOTILLA_DOMAIN: "environment.example" },
      file,
    });
    expect(config.name).toBe("flag");
    expect(config.domain).toBe("environment.example");
    expect(config["machine-ttl"]).toBe(9);
    expect(config["cluster-id"]).toBe("flotilla");
  });

  it("reads lists and pairs", () => {
    const config = loadConfig({
      flags: {
        "initial-cluster": "a=http://10.0.0.1:2380,b=http://10.0.0.2:2380,a=http://10.0.0.3:2380",
        metadata: "region=eu, disk=ssd",
      },
      environment: {},
    });
    expect(config["initial-cluster"]).toEqual({
      a: ["http://10.0.0.1:2380", "http://10.0.0.3:2380"],
      b: ["http://10.0.0.2:2380"],
    });
    expect(config.metadata).toEqual({ region: "eu", disk: "ssd" });
  });

  it.each([
    ["cluster-id", "a cluster!"],
    ["cluster-id", ""],
    ["listen-api", "nowhere"],
    ["initial-cluster", "a=10.0.0.1:2380"],
    ["metadata", "a=b=c"],
    ["store", "http://10.0.0.1:2379"],
    ["machine-ttl", "1"],
    ["machine-ttl", "soon"],
    ["public-ip", "localhost"],
    ["log-level", "loud"],
  ])("refuses --%s=%s, naming the flag and the mend", (name, value) => {
    const error = refusal({ flags: { [name]: value }, environment: {} });
    expect(error.code).toBe("bad-option");
    expect(error.message).toContain(`--${name}: "${value}"`);
    expect(error.hint).toContain(name);
  });

  it("names the variable or the file that is wrong", () => {
    const environment = { FLOTILLA_CLUSTER_ID: "?" };
    expect(refusal({ flags: {}, environment }).message).toMatch(/^FLOTILLA_CLUSTER_ID: "\?"/);
    const file = configFile('{"cluster-id": "?"}');
    expect(refusal({ flags: {}, environment: {}, file }).message).toMatch(`${file}: cluster-id`);
    const unknown = configFile('{"colour": "red"}');
    expect(refusal({ flags: {}, environment: {}, file: unknown }).message).toContain('"colour"');
    const torn = configFile("{");
    expect(refusal({ flags: {}, environment: {}, file: torn }).message).toContain(torn);
  });
});
