import { loadUnit, parseUnitFile, parseUnitName } from "@flotilla/units";
import { describe, expect, it } from "vitest";
import { readPlacement, requestsOf } from "./placement.js";

const NAME = parseUnitName("web@1.service");
const GIB = 1024 ** 3;

function read(lines: string) {
  return readPlacement(NAME, parseUnitFile(lines, { file: NAME.name }));
}

function requests(service: string, options = "") {
  const file = parseUnitFile(`[Service]\nExecStart=/x\n${service}\n[X-Flotilla]\n${options}\n`);
  const { unit } = loadUnit(NAME.name, file);
  return requestsOf(unit!, readPlacement(NAME, file).placement);
}

describe("readPlacement", () => {
  it("reads every option, in both sections, with specifiers", () => {
    const { placement, diagnostics } = read(
      "[X-Fleet]\nCPU=0.5\nMemory=1G\nTasks=20\nPriority=80\n" +
        "[X-Flotilla]\nAffinity=host=h%i\nAffinity=disk=hdd -20\nSpread=zone rack\n",
    );
    expect(diagnostics).toEqual([]);
    expect(placement).toEqual({
      requests: { cpu: 500, memory: GIB, tasks: 20 },
      priority: 80,
      affinity: [
        { key: "host", value: "h1", weight: 50 },
        { key: "disk", value: "hdd", weight: -20 },
      ],
      spread: ["zone", "rack"],
    });
  });

  it("says nothing of what is not said, and takes the last of a scalar", () => {
    expect(read("[X-Fleet]\nConflicts=x\n").placement).toEqual({ requests: {} });
    expect(read("[X-Fleet]\nCPU=1\nCPU=250%\n").placement.requests).toEqual({ cpu: 2500 });
    expect(read("[Service]\nCPU=1\n").placement.requests).toEqual({});
  });

  it.each([
    ["CPU=much"],
    ["Memory=1 potato"],
    ["Tasks=-1"],
    ["Priority=101"],
    ["Affinity=disk"],
    ["Affinity=disk=ssd 101"],
    ["Spread=a b c d e"],
    [Array.from({ length: 9 }, (_, i) => `Affinity=k=v${i}`).join("\n")],
  ])("refuses %j with its place", (lines) => {
    const { diagnostics } = read(`[X-Fleet]\n${lines}\n`);
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]).toMatchObject({ severity: "error", file: "web@1.service" });
    expect(diagnostics[0]!.span.start.line).toBe(lines.split("\n").length + 1);
  });
});

describe("requestsOf", () => {
  it("takes limits for requests where no request is given", () => {
    expect(requests("CPUQuota=150%\nMemoryMax=1G\nTasksMax=30\nCPUWeight=200")).toEqual({
      cpu: 1500,
      memory: GIB,
      tasks: 30,
    });
    expect(requests("CPUQuota=150%\nMemoryMax=1G", "CPU=0.1")).toEqual({ cpu: 100, memory: GIB });
    expect(requests("MemoryMax=infinity")).toEqual({});
  });
});
