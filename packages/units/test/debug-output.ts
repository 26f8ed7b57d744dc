import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ExecCommand, formatTimeSpan, splitWords, type UnitModel } from "../src/index.js";

/** What systemd made of each unit: the lines of its debug output, `Key: value`, by key. */
export function dumpUnits(units: ReadonlyMap<string, string>): Map<string, Map<string, string[]>> {
  const folder = mkdtempSync(join(tmpdir(), "flotilla-units-"));
  try {
    for (const name of ["sysinit.target", "basic.target", "shutdown.target"]) {
      writeFileSync(join(folder, name), "[Unit]\n");
    }
    for (const [name, text] of units) writeFileSync(join(folder, name), text);
    const names = [...units.keys()].map((name) => join(folder, name));
    const { stdout, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", ...names], {
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
      env: {
        ...process.env,
        SYSTEMD_UNIT_PATH: folder,
        SYSTEMD_LOG_LEVEL: "debug",
        LC_ALL: "C.UTF-8",
      },
    });
    return collect(stdout + stderr);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function collect(output: string): Map<string, Map<string, string[]>> {
  const units = new Map<string, Map<string, string[]>>();
  let unit = new Map<string, string[]>();
  let command = "";
  for (const line of output.split("\n")) {
    const header = /^\t-> Unit (.*):$/.exec(line);
    const step = /^\t\t-> (Exec\w+):$/.exec(line);
    const pair = /^\t+(Command Line|\w+): (.*)$/.exec(line);
    if (header !== null) {
      unit = new Map();
      units.set(header[1]!, unit);
    } else if (step !== null) {
      command = step[1]!;
    } else if (pair !== null) {
      const key = pair[1] === "Command Line" ? command : pair[1]!;
      unit.set(key, [...(unit.get(key) ?? []), pair[2]!]);
    }
  }
  return units;
}

/** systemd prints words in double quotes with shell escapes where they need any. */
function unquote(line: string): string[] {
  return splitWords(line.replaceAll("\\$", "$").replaceAll("\\`", "`"), { relaxEscapes: true });
}

const STEPS = {
  ExecCondition: "execCondition",
  ExecStartPre: "execStartPre",
  ExecStart: "execStart",
  ExecStartPost: "execStartPost",
  ExecReload: "execReload",
  ExecStop: "execStop",
  ExecStopPost: "execStopPost",
} as const;

const DEPENDENCIES = {
  Requires: "requires",
  Wants: "wants",
  BindsTo: "bindsTo",
  PartOf: "partOf",
  Conflicts: "conflicts",
  Before: "before",
  After: "after",
} as const;

const IMPLIED = /\.(slice|mount|socket)$|^(systemd-|dbus)/;

/** What both sides say of a service. */
export type Facts = ReturnType<typeof ourFacts>;

export function ourFacts({ unit, service }: UnitModel) {
  const argv = (commands: readonly ExecCommand[]) => commands.map((one) => one.argv);
  return {
    description: unit.description,
    steps: Object.values(STEPS).map((key) => argv(service![key])),
    environment: Object.entries(service!.environment).map(([key, value]) => `${key}=${value}`),
    dependencies: Object.values(DEPENDENCIES).map((key) => [...unit[key]].sort()),
    type: service!.type,
    restart: service!.restart,
    killMode: service!.killMode,
    killSignal: service!.killSignal,
    remain: service!.remainAfterExit,
    times: [service!.restartMs, service!.timeoutStartMs, service!.timeoutStopMs].map(
      formatTimeSpan,
    ),
  };
}

export function theirFacts(
  dumped: ReadonlyMap<string, readonly string[]>,
  model: UnitModel,
): Facts {
  const one = (key: string) => dumped.get(key)?.[0] ?? "";
  const dependencies = Object.entries(DEPENDENCIES).map(([key, own]) =>
    (dumped.get(key) ?? [])
      .filter((line) => line.includes("origin-file"))
      .map((line) => line.split(" ")[0]!)
      // Other settings bring these: Slice=, PrivateTmp=, RuntimeDirectory=, StandardOutput=.
      .filter((name) => model.unit[own].includes(name) || !IMPLIED.test(name))
      .sort(),
  );
  return {
    description: one("Description"),
    steps: Object.keys(STEPS).map((key) => (dumped.get(key) ?? []).map(unquote)),
    environment: [...(dumped.get("Environment") ?? [])],
    dependencies,
    type: one("Type") as never,
    restart: one("Restart") as never,
    killMode: one("KillMode") as never,
    killSignal: one("KillSignal"),
    remain: one("RemainAfterExit") === "yes",
    times: [one("RestartSec"), one("TimeoutStartSec"), one("TimeoutStopSec")],
  };
}
