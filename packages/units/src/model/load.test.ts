import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyText } from "../../test/any-text.js";
import { formatDiagnostic } from "../diagnostics.js";
import { SECTIONS } from "../keys/sections.js";
import { parseUnitFile } from "../syntax/parse.js";
import type { LoadResult } from "../types.js";
import { loadUnit } from "./load.js";

const KEYS = Object.values(SECTIONS).flatMap(({ keys }) => Object.keys(keys));

function load(text: string, name = "web@1.service", options = {}): LoadResult {
  return loadUnit(name, parseUnitFile(text), options);
}

function service(lines: string, name?: string) {
  const result = load(`[Service]\nExecStart=/bin/true\n${lines}\n`, name);
  expect(result.diagnostics.filter((one) => one.severity === "error")).toEqual([]);
  return result.unit!.service!;
}

/** `line:column severity code` of each diagnostic. */
function codes(result: LoadResult): string[] {
  return result.diagnostics.map(
    ({ span, severity, code }) => `${span.start.line}:${span.start.column} ${severity} ${code}`,
  );
}

describe("loadUnit", () => {
  it("types a service and fills in systemd's defaults", () => {
    const text =
      "[Unit]\nDescription=Web %i\nAfter=a.service b@.service\n[Service]\nExecStart=/bin/x %i\n";
    const { unit, diagnostics } = load(text);
    expect(diagnostics).toEqual([]);
    expect(unit?.unit.description).toBe("Web 1");
    expect(unit?.unit.after).toEqual(["a.service", "b@1.service"]);
    expect(unit?.service).toMatchObject({
      type: "simple",
      execStart: [{ path: "/bin/x", argv: ["/bin/x", "1"] }],
      restart: "no",
      restartMs: 100,
      timeoutStartMs: 90_000,
      timeoutStopMs: 90_000,
      runtimeMaxMs: Number.POSITIVE_INFINITY,
      killMode: "control-group",
      killSignal: "SIGTERM",
      notifyAccess: "none",
    });
  });

  it("lets the last scalar win, piles lists up and empties them", () => {
    const read = service(
      'Restart=no\nRestart=always\nEnvironment=A=1\nEnvironment=\nEnvironment=B=2 "C=3 4"',
    );
    expect(read.restart).toBe("always");
    expect(read.environment).toEqual({ B: "2", C: "3 4" });
  });

  it("sets both timeouts by TimeoutSec=, and takes 0 for never", () => {
    const read = service("TimeoutSec=5\nTimeoutStopSec=0");
    expect([read.timeoutStartMs, read.timeoutStopMs]).toEqual([5000, Number.POSITIVE_INFINITY]);
  });

  it("reads resources", () => {
    const text =
      "[Service]\nExecStart=/bin/x\nCPUQuota=50%\nMemoryMax=25%\nTasksMax=10\nLimitNOFILE=1K\nLimitNOFILE=5:10\n";
    const { unit } = load(text, "a.service", { machine: { memoryBytes: 1000 } });
    expect(unit?.service).toMatchObject({
      cpuQuotaPercent: 50,
      memoryMaxBytes: 250,
      tasksMax: 10,
      limits: { NOFILE: { soft: 5, hard: 10 } },
    });
  });

  it("reads exit statuses and signals by name and number", () => {
    const read = service("SuccessExitStatus=TEMPFAIL 3 SIGUSR1 TERM RTMIN+2");
    expect(read.successExitStatus).toEqual({
      codes: [75, 3],
      signals: ["SIGUSR1", "SIGTERM", "SIGRTMIN+2"],
    });
  });

  it.each([
    ["[Sevice]\nA=1\n[Service]\nExecStart=/x\n", ["1:1 warning unknown-section"]],
    ["[Timer]\n[Service]\nExecStart=/x\n", ["1:1 warning unknown-section"]],
    ["[Service]\nExecStart=/x\nRestrat=no\n", ["3:1 warning unknown-key"]],
    ["[Unit]\nExecStart=/x\n[Service]\nExecStart=/x\n", ["2:1 warning wrong-section"]],
    ["[Service]\nExecStart=/x\nRestart=never\n", ["3:9 warning bad-value"]],
    [
      "[Service]\nExecStart=/x\nMemoryMax=1G # c\n",
      ["3:11 warning bad-value", "3:14 warning inline-comment"],
    ],
    ["[Unit]\nA=1\n[Service]\n", ["2:1 warning unknown-key", "3:1 error missing-exec-start"]],
    ["[Service]\nExecStart=/a\nExecStart=/b\n", ["3:1 error multiple-exec-start"]],
    ["[Service]\nType=oneshot\nExecStart=/a\nRestart=always\n", ["4:1 error oneshot-restart"]],
    ["[Service]\nExecStart=/a 'b\n", ["2:14 error invalid-exec"]],
    ["[Service]\nExecStart=/a\nExecStop=b/c\n", ["3:10 error relative-path"]],
    ["[Service]\nExecStart=/a\nExecStop=-b/c\n", ["3:10 warning relative-path"]],
    ["[Service]\nExecStart=/a\nWorkingDirectory=b\n", ["3:18 error relative-path"]],
    ["[Service]\nExecStart=/a\nMemoryLimit=1G\n", ["3:1 warning deprecated"]],
    ["[Service]\nExecStart=/a\nKillMode=none\n", ["3:10 warning deprecated"]],
    ["[Service]\nExecStart=/a \\q\n", ["2:14 warning unknown-escape"]],
    ["[Service]\nExecStart=/a %Z\n", ["2:14 error unknown-specifier"]],
    ["[Service]\nExecStart=/a\nX-Own=1\n[X-Own]\nA=1\n", []],
    ["[Service]\nExecStart=/a\nAfter=b.service\n", ["3:1 warning wrong-section"]],
    ["[Unit]\nAfter=b\n[Service]\nExecStart=/a\n", ["2:7 warning bad-value"]],
  ])("diagnoses %j", (text, expected) => {
    const result = load(text, "a.service");
    // Some cases stop at their first error: the service itself is then incomplete, too.
    expect(
      codes(result).filter((one) => expected.includes(one) || !/missing-exec/.test(one)),
    ).toEqual(expected);
    expect(result.unit === undefined).toBe(expected.some((one) => one.includes(" error ")));
  });

  it("suggests what was probably meant", () => {
    const [one] = load("[Service]\nExecStrat=/bin/true\n", "a.service").diagnostics.filter(
      ({ code }) => code === "unknown-key",
    );
    expect(one?.hint).toBe("Did you mean ExecStart=?");
    expect(formatDiagnostic(one!, "[Service]\nExecStrat=/bin/true\n")).toBe(
      [
        "a.service:2:1: warning: There is no key ExecStrat= in [Service]; it is ignored. [unknown-key]",
        "  ExecStrat=/bin/true",
        "  ^^^^^^^^^",
        "  hint: Did you mean ExecStart=?",
      ].join("\n"),
    );
  });

  it("names a bad unit name, and loads nothing", () => {
    const result = load("", "web.servICE");
    expect(codes(result)).toEqual(["1:1 error invalid-name"]);
    expect(result.unit).toBeUndefined();
  });

  it("takes the machine's specifiers from the caller and warns of missing ones", () => {
    const text = "[Service]\nExecStart=/bin/x %H %m\n";
    const { unit, diagnostics } = load(text, "a.service", { specifiers: { H: "host" } });
    expect(unit?.service?.execStart[0]?.argv).toEqual(["/bin/x", "host", "%m"]);
    expect(diagnostics.map((one) => one.code)).toEqual(["unresolved-specifier"]);
    expect(load(text, "a.service").diagnostics).toEqual([]);
  });

  it("does not hold a missing instance against a template", () => {
    const text =
      "[Service]\nExecStart=/x\n[X-Fleet]\nMachineOf=%i.service\n[X-Flotilla]\nPort=%i\n";
    expect(load(text, "web@.service").diagnostics).toEqual([]);
    expect(load(text, "web@.service").unit?.name.isTemplate).toBe(true);
    expect(codes(load(text, "web@x.service"))).toEqual(["6:6 error bad-value"]);
  });

  it("never throws, whatever the text", () => {
    const line = fc.oneof(
      fc.constantFrom("[Unit]", "[Service]", "[X-Fleet]", "[X-Flotilla]", "[Install]", "\\"),
      fc.tuple(fc.constantFrom(...KEYS), anyText(20)).map(([key, value]) => `${key}=${value}`),
      fc
        .tuple(fc.constantFrom(...KEYS), fc.constantFrom("%I", "'", "\\", "[", "-", "@", "%", "$"))
        .map(([key, value]) => `${key}=${value}`),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const text = lines.join("\n");
        for (const one of load(text, "a@--x.service").diagnostics) formatDiagnostic(one, text);
      }),
      { numRuns: 500 },
    );
  });

  it("has no service section for other types", () => {
    const { unit, diagnostics } = load("[Unit]\nDescription=x\n", "multi.target");
    expect(diagnostics).toEqual([]);
    expect(unit?.service).toBeUndefined();
  });
});

describe("[X-Fleet]", () => {
  function fleet(lines: string, name = "foo@bar.service") {
    return load(`[Service]\nExecStart=/bin/true\n[X-Fleet]\n${lines}\n`, name);
  }

  it("groups metadata by key and unquotes multi-values", () => {
    const { unit } = fleet(
      'MachineMetadata="a=1" "b=2"\nMachineMetadata=a=3\nMachineMetadata=h=%i',
    );
    expect(unit?.fleet.machineMetadata).toEqual(
      new Map([
        ["a", ["1", "3"]],
        ["b", ["2"]],
        ["h", ["bar"]],
      ]),
    );
  });

  it("points at malformed metadata within a multi-value", () => {
    const result = fleet('MachineMetadata="a=1" "foo=a=b"');
    expect(codes(result)).toEqual(["4:23 error bad-value"]);
  });

  it("takes the instance from the first @ to the last dot", () => {
    const { unit } = fleet("MachineOf=%i.service", "foo@bar@baz.service");
    expect(unit?.fleet.machineOf).toEqual(["bar@baz.service"]);
    const plain = fleet("MachineMetadata=a=%p%i%n", "foo.service").unit;
    expect(plain?.fleet.machineMetadata.get("a")).toEqual(["foofoo.service"]);
  });

  it("splits Conflicts at spaces, and checks globs", () => {
    expect(
      fleet("Conflicts=a*.service b?.service\nX-Conflicts=c.service").unit?.fleet.conflicts,
    ).toEqual(["a*.service", "b?.service", "c.service"]);
    expect(codes(fleet("Conflicts=[a"))).toEqual(["4:11 error bad-value"]);
  });

  it.each([
    ["MachineID=a\nMachineOf=b.service"],
    ["MachineID=a\nConflicts=b"],
    ["MachineID=a\nGlobal=true"],
    ["MachineID=a\nReplaces=b"],
    ["Global=yes\nMachineOf=b.service"],
    ["Global=1\nReplaces=b"],
    ["Conflicts=a\nReplaces=b"],
    ["Conflicts=b*e\nMachineOf=bar.service"],
    ["Replaces=b*\nMachineOf=bar.service"],
  ])("refuses %j", (lines) => {
    const result = fleet(lines);
    expect(result.diagnostics.map((one) => one.code)).toEqual(["fleet-conflict"]);
    expect(result.unit).toBeUndefined();
  });

  it.each([
    ["Global=ON", true],
    ["Global=t", true],
    ["Global=12", false],
    ["Global=true\nGlobal=no", false],
    ["", false],
  ])("reads %j as %s", (lines, expected) => {
    expect(fleet(lines).unit?.fleet.global).toBe(expected);
  });

  it("prefers MachineID to its old spellings, and takes the first", () => {
    const lines = "X-ConditionMachineBootID=c\nX-ConditionMachineID=b\nMachineID=a\nMachineID=z";
    expect(fleet(lines).unit?.fleet.machineId).toBe("a");
    expect(fleet("X-ConditionMachineBootID=c").unit?.fleet.machineId).toBe("c");
  });

  it("refuses options that it does not know", () => {
    const result = fleet("MachineMetdata=a=b");
    expect(codes(result)).toEqual(["4:1 error unknown-key"]);
    expect(result.diagnostics[0]?.hint).toBe("Did you mean MachineMetadata=?");
  });
});

describe("[X-Flotilla]", () => {
  const text = (port: string) =>
    `[Service]\nExecStart=/x\n[X-Flotilla]\nService=web\nPort=${port}\nProtocol=udp\n`;

  it("expands specifiers", () => {
    expect(load(text("808%i")).unit?.flotilla).toEqual({
      service: "web",
      port: 8081,
      protocol: "udp",
    });
  });

  it("has the scheduler's options, as [X-Fleet] has, which are not read here", () => {
    const options = "CPU=250m\nMemory=64M\nTasks=10\nPriority=5\nAffinity=db@*=2\nSpread=rack\n";
    const both = `[Service]\nExecStart=/x\n[X-Fleet]\n${options}[X-Flotilla]\n${options}`;
    const { unit, diagnostics } = load(both);
    expect(diagnostics).toEqual([]);
    expect(unit?.fleet.conflicts).toEqual([]);
  });

  it("refuses a port that is none", () => {
    expect(codes(load(text("999%i9")))).toEqual(["5:6 error bad-value"]);
  });
});
