import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { parseUnitFile, parseUnitName } from "@flotilla/units";
import { describe, expect, it } from "vitest";
import { UnitSettings } from "../settings/unit-settings.js";
import { checkConditions } from "./conditions.js";
import { compareVersions } from "./versions.js";

const NAME = "a@b.service";
const verdict = (...lines: string[]): string =>
  checkConditions(
    new UnitSettings(parseUnitName(NAME), parseUnitFile(`[Unit]\n${lines.join("\n")}\n`), {}),
  ).verdict;

const TOOL = "/usr/bin/systemd-analyze";
if (!existsSync(TOOL)) console.warn("skipped: needs systemd-analyze (Debian package systemd)");

const CASES: readonly (readonly string[])[] = [
  ["ConditionPathExists=/etc/passwd"],
  ["ConditionPathExists=!/etc/passwd"],
  ["ConditionPathExists=/absent"],
  ["ConditionPathExistsGlob=/etc/pass*"],
  ["ConditionPathExistsGlob=/etc/*/absent"],
  ["ConditionPathIsDirectory=/etc"],
  ["ConditionPathIsDirectory=/etc/passwd"],
  ["ConditionPathIsSymbolicLink=/proc/self"],
  ["ConditionPathIsSymbolicLink=/etc"],
  ["ConditionPathIsMountPoint=/proc"],
  ["ConditionPathIsMountPoint=/etc"],
  ["ConditionPathIsReadWrite=/tmp"],
  ["ConditionDirectoryNotEmpty=/etc"],
  ["ConditionDirectoryNotEmpty=/etc/passwd"],
  ["ConditionFileNotEmpty=/etc/passwd"],
  ["ConditionFileNotEmpty=/dev/null"],
  ["ConditionFileIsExecutable=/bin/sh"],
  ["ConditionFileIsExecutable=/etc/passwd"],
  ["ConditionArchitecture=native"],
  ["ConditionArchitecture=s390"],
  ["ConditionHost=*"],
  ["ConditionHost=no-such-host"],
  ["ConditionKernelVersion=>=2.6"],
  ["ConditionKernelVersion=<2.6"],
  ["ConditionKernelVersion=6.* >5"],
  ["ConditionMemory=1M"],
  ["ConditionMemory=<1M"],
  ["ConditionCPUs=>=1"],
  ["ConditionCPUs=1000"],
  ["ConditionUser=root"],
  ["ConditionUser=0"],
  ["ConditionUser=@system"],
  ["ConditionUser=nobody"],
  ["ConditionGroup=root"],
  ["ConditionGroup=nogroup"],
  ["ConditionEnvironment=PATH"],
  ["ConditionEnvironment=NO_SUCH_VARIABLE"],
  ["ConditionKernelCommandLine=no-such-argument"],
  ["ConditionACPower=true"],
  ["ConditionOSRelease=ID=debian"],
  ["ConditionOSRelease=ID!=debian"],
  ["ConditionPathExists=|/absent", "ConditionPathExists=|/etc"],
  ["ConditionPathExists=|/absent", "ConditionPathExists=|!/etc"],
  ["ConditionPathExists=|/etc", "ConditionPathExists=/absent"],
  ["AssertPathExists=/absent"],
  ["AssertPathExists=/etc"],
];

describe.skipIf(!existsSync(TOOL))("beside systemd-analyze condition", () => {
  it.each(CASES)("%s %s", (...lines) => {
    const given = lines.filter(Boolean);
    const { status } = spawnSync(TOOL, ["condition", ...given], { env: process.env });
    expect(verdict(...given) === "met").toBe(status === 0);
  });
});

it("tells conditions from assertions; an empty value clears; the unknown never holds", () => {
  expect(verdict("AssertPathExists=/absent")).toBe("assert");
  expect(verdict("ConditionPathExists=/absent", "ConditionPathExists=")).toBe("met");
  expect(verdict("ConditionPathExists=/absent-%i")).toBe("condition");
  expect(verdict("ConditionSecurity=selinux")).toBe("condition");
});

it("compares versions", () => {
  const sorted = ["1~rc1", "1", "1-1", "1.1", "1.2", "1.10", "2", "10"];
  for (const [i, a] of sorted.entries()) {
    for (const [j, b] of sorted.entries()) {
      expect([a, b, Math.sign(compareVersions(a, b))]).toEqual([a, b, Math.sign(i - j)]);
    }
  }
});
