// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is systemd's syntax, not a template

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ExecCommand,
  formatTimeSpan,
  loadUnit,
  parseUnitFile,
  splitWords,
  type UnitModel,
} from "../src/index.js";
import { NEEDS_SYSTEMD, systemdVersion } from "./systemd.js";

const installed = systemdVersion() !== undefined;
if (!installed) console.warn(`skipped: ${NEEDS_SYSTEMD}`);

/** What systemd made of each unit: the lines of its debug output, `Key: value`, by key. */
function dump(units: ReadonlyMap<string, string>): Map<string, Map<string, string[]>> {
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

/** The same facts from both sides. */
function mine({ unit, service }: UnitModel) {
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

function theirs(
  dumped: ReadonlyMap<string, readonly string[]>,
  model: UnitModel,
): ReturnType<typeof mine> {
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

function compare(units: ReadonlyMap<string, string>): number {
  const dumped = dump(units);
  let compared = 0;
  for (const [name, text] of units) {
    const { unit } = loadUnit(name, parseUnitFile(text));
    const dump = dumped.get(name);
    if (unit?.service === undefined || dump === undefined) continue;
    expect([name, text, mine(unit)]).toEqual([name, text, theirs(dump, unit)]);
    compared++;
  }
  return compared;
}

describe.skipIf(!installed)("the model beside what systemd reads", () => {
  it("has the same commands for 300 generated lines", () => {
    const word = fc
      .array(
        fc.constantFrom(
          ...[
            "a",
            "b c",
            "'",
            '"',
            "\\x41",
            "\\303\\251",
            "\\u00e9",
            "\\s",
            "\\t",
            "$A",
            "${B}",
            "$$",
          ],
          ...["%n", "%i", "%p", "%%", "\\\\", "\\q", ";", "\\;", "=", "é", "#"],
        ),
        { minLength: 1, maxLength: 4 },
      )
      .map((parts) => parts.join(""));
    const line = fc.array(fc.oneof(word, fc.constantFrom(";", "\\;", '""', "'x y'")), {
      maxLength: 5,
    });
    const lines = fc.sample(line, { numRuns: 300, seed: 20_140 });
    const units = new Map(
      lines.map((words, index) => {
        const text = `[Service]\nType=oneshot\nExecStart=/bin/echo ${words.join(" ")}\n`;
        return [`g${index}@i.service`, text.replace(/(^|\n)(.*; )(?!\/)/g, "$1$2/bin/true ")];
      }),
    );
    expect(compare(units)).toBeGreaterThan(100);
  });

  it("is the same for a unit with everything", () => {
    const text = [
      "[Unit]",
      "Description=All of %p for %i, 100%%",
      "After=a.service b@.service \\\n  c.target",
      "Wants=a.service a.service",
      "Requires=d.socket",
      "After=",
      "[Service]",
      "Type=forking",
      "Environment=A=1 'B=2 3' \"C=\\x41\"",
      "Environment=A=2 D=%i",
      "ExecStartPre=-/bin/a $X ; @/bin/b c d",
      "ExecStart=/bin/one 'two three' %I",
      "ExecStop=/bin/kill $MAINPID",
      "Restart=on-abnormal",
      "RestartSec=1min 5s",
      "TimeoutSec=2h",
      "TimeoutStopSec=infinity",
      "KillMode=mixed",
      "KillSignal=RTMIN+3",
      "RemainAfterExit=on",
    ].join("\n");
    expect(compare(new Map([["all@x-y.service", text]]))).toBe(1);
  });

  it("is the same for the services installed here", () => {
    const folder = "/lib/systemd/system";
    const units = new Map(
      readdirSync(folder)
        .filter((name) => /^[^.]*\.service$/.test(name))
        .map(
          (name) => [name.replace("@.", "@a."), readFileSync(join(folder, name), "utf8")] as const,
        )
        // What the machine decides is not compared here.
        .filter(([, text]) => !/%[^npiIjfN%]/.test(text)),
    );
    expect(compare(units)).toBeGreaterThan(0);
  });
});
