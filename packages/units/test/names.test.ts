import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  escapeUnitName,
  formatMicroseconds,
  parseMicroseconds,
  unescapeUnitName,
} from "../src/index.js";
import { NEEDS_SYSTEMD, systemdVersion } from "./systemd.js";

const installed = systemdVersion() !== undefined;
if (!installed) console.warn(`skipped: ${NEEDS_SYSTEMD}`);

/** The same samples on every run, so that a failure can be seen again. */
const SEED = 20_140;

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

/** What a tool prints for a text, undefined where it fails. */
function ask(tool: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(tool, args, {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C.UTF-8", SYSTEMD_COLORS: "0" },
  });
  return status === 0 ? stdout : undefined;
}

describe.skipIf(!installed)("systemd-escape", () => {
  const texts = [
    ...["", "/", ".", "..", ".a", "-", "a-b", "/a//b/", "./a", "a/.", "a/./b", "a/../b", "//", "é"],
    ...["\\x2d", "a\\x2fb", "\\", "\\x", "\\xzz", "a b", "/a b/", "-a", "a-", "x@y:z_1.2"],
    ...fc.sample(
      fc
        .array(fc.constantFrom("/", ".", "-", "a", "\\x2d", "\\", "é", " ", "@", "\\x2f"), {
          maxLength: 7,
        })
        .map((parts) => parts.join("")),
      { numRuns: 100, seed: SEED },
    ),
  ];

  it.each([
    ["escapes", [], (text: string) => escapeUnitName(text)],
    ["escapes paths", ["-p"], (text: string) => escapeUnitName(text, { path: true })],
    ["unescapes", ["-u"], (text: string) => unescapeUnitName(text)],
    ["unescapes paths", ["-u", "-p"], (text: string) => unescapeUnitName(text, { path: true })],
  ])("%s alike", (_what, options, mine) => {
    const results = [...new Set(texts)].map((text) => [text, attempt(() => mine(text))] as const);
    const good = results.filter(([, result]) => result !== undefined);
    // One process for all that succeed: it prints its results with spaces between.
    const output = ask("systemd-escape", [...options, "--", ...good.map(([text]) => text)]);
    expect(output).toBe(`${good.map(([, result]) => result).join(" ")}\n`);
    for (const [text, result] of results.filter(([, one]) => one === undefined).slice(0, 25)) {
      expect([text, ask("systemd-escape", [...options, "--", text])]).toEqual([text, result]);
    }
  });
});

describe.skipIf(!installed)("systemd-analyze timespan", () => {
  const unit = fc.constantFrom(
    ..."s sec second seconds m min minute minutes M month months h hr hour d day w week y year".split(
      " ",
    ),
    ..."us usec µs ms msec x se  ".split(" "),
  );
  const amount = fc.oneof(
    fc.nat(5000).map(String),
    fc.constantFrom("0", ".5", "1.5", "0.0000019", "1.", "+3", "-1", "1e3", "18446744073709551615"),
  );
  const span = fc
    .array(fc.tuple(amount, fc.constantFrom("", " "), unit, fc.constantFrom("", " ")), {
      minLength: 1,
      maxLength: 3,
    })
    .map((parts) => parts.flat().join(""));

  const texts = [
    ...["infinity", " infinity ", "infinityx", "", " ", "5", "5 5", "1y 1month 1w 1d 1h 1min 1s"],
    ...fc.sample(span, { numRuns: 1000, seed: SEED }),
  ];
  const read = texts.map((text) => [text, attempt(() => parseMicroseconds(text))] as const);

  it("reads and prints spans alike", () => {
    const good = read.filter(([, value]) => value !== undefined);
    expect(good.length).toBeGreaterThan(200);
    const output = ask("systemd-analyze", ["timespan", "--", ...good.map(([text]) => text)]);
    const expected = good.flatMap(([text, value]) => [
      `Original: ${text}`.trimEnd(),
      `      μs: ${value}`,
      `   Human: ${formatMicroseconds(value!)}`,
    ]);
    const lines = output
      ?.split("\n")
      .filter((line) => line !== "")
      .map((line) => line.trimEnd());
    expect(lines).toEqual(expected);
  });

  it("refuses alike", () => {
    const bad = new Set(read.filter(([, value]) => value === undefined).map(([text]) => text));
    expect(bad.size).toBeGreaterThan(40);
    for (const text of [...bad].slice(0, 25)) {
      expect([text, ask("systemd-analyze", ["timespan", "--", text])]).toEqual([text, undefined]);
    }
  });
});
