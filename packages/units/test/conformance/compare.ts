import { spawnSync } from "node:child_process";
import {
  analyzeCalendar,
  analyzeEscape,
  analyzeTimeSpan,
  type EscapeOptions,
} from "../../src/analyze/index.js";
import { parseTimestamp } from "../../src/index.js";
import { systemTimeZones } from "../../src/node/index.js";
import type { Samples } from "./generate.js";

/** What both sides made of one value. */
export interface Difference {
  readonly what: string;
  readonly input: string;
  readonly ours: string;
  readonly theirs: string;
}

export interface Comparison {
  readonly compared: number;
  readonly differences: readonly Difference[];
}

/** Most arguments of one call: the tools stop at none, and a command line has its bound. */
const BATCH = 400;

interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

function environment(zone: string): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"], LC_ALL: "C.UTF-8", TZ: zone, SYSTEMD_COLORS: "0" };
}

function ask(tool: string, args: readonly string[], zone: string): Said {
  const { status, stdout, stderr, error } = spawnSync(tool, args, {
    encoding: "latin1",
    maxBuffer: 256 * 1024 * 1024,
    env: environment(zone),
  });
  if (error !== undefined) throw error;
  return { stdout, stderr, exitCode: status };
}

/** Bytes as characters: names can come out as any bytes. */
function bytes(text: string | Uint8Array): string {
  return Buffer.from(text as string).toString("latin1");
}

function* batches<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}

/** Local zones with instants near their clock changes, and a plain one. */
const BASES: readonly (readonly [zone: string, base: string])[] = [
  ["UTC", "2024-02-28 23:59:59 UTC"],
  ["Europe/Berlin", "2025-03-29 12:00:00 UTC"],
  ["America/New_York", "2024-11-02 23:30:00 UTC"],
  ["Australia/Lord_Howe", "2024-04-05 00:00:00 UTC"],
  ["Asia/Kolkata", "2031-12-31 18:29:59 UTC"],
];

/** What changes while both sides run. */
const withoutNow = (text: string): string => text.replace(/^ *From now:.*\n/gm, "");

export function compareCalendars(texts: readonly string[]): Comparison {
  const differences: Difference[] = [];
  let turn = 0;
  for (const batch of batches(texts, BATCH)) {
    const [zone, base] = BASES[turn++ % BASES.length]!;
    const args = ["calendar", "--iterations=4", `--base-time=${base}`, "--", ...batch];
    const said = ask("systemd-analyze", args, zone);
    const zones = systemTimeZones({ local: zone });
    const baseTime = parseTimestamp(base, { zones });
    const blocks = withoutNow(said.stdout).split(/^\n/m);
    const complaints = new Map<string, string>();
    for (const message of said.stderr.split(/(?=^Failed |^Infinite )/m)) {
      complaints.set(/'(.*)': /s.exec(message)?.[1] ?? message, message);
    }
    for (const [index, text] of batch.entries()) {
      const one = analyzeCalendar([text], { iterations: 4, baseTime, zones });
      const ours = bytes(withoutNow(one.stdout) + one.stderr);
      const theirs = `${blocks[index] ?? ""}${complaints.get(bytes(text)) ?? ""}`;
      if (ours !== theirs)
        differences.push({ what: `calendar in ${zone}`, input: text, ours, theirs });
    }
  }
  return { compared: texts.length, differences };
}

export function compareSpans(texts: readonly string[]): Comparison {
  const zones = systemTimeZones({ local: "UTC" });
  return inOrder("timespan", texts, ["systemd-analyze", "timespan"], (batch) => {
    const { stdout, stderr, exitCode } = analyzeTimeSpan(batch, { zones });
    return { stdout: bytes(stdout), stderr: bytes(stderr), exitCode };
  });
}

const ESCAPES: readonly (readonly [args: readonly string[], options: EscapeOptions])[] = [
  [[], {}],
  [["-p"], { path: true }],
  [["--suffix=mount", "-p"], { path: true, suffix: "mount" }],
  [["--template=foo@.service"], { template: "foo@.service" }],
  [["-u"], { unescape: true }],
  [["-u", "-p"], { unescape: true, path: true }],
  [["-u", "--instance"], { unescape: true, instance: true }],
  [["-u", "--template=foo@.service"], { unescape: true, template: "foo@.service" }],
  [["-m"], { mangle: true }],
];

/** Every name goes through one way of escaping, the next through the next. */
export function compareNames(texts: readonly string[]): Comparison {
  const results = ESCAPES.map(([args, options], way) =>
    inOrder(
      `escape ${args.join(" ")}`,
      texts.filter((_, index) => index % ESCAPES.length === way),
      ["systemd-escape", ...args],
      (batch) => {
        const { stdout, stderr, exitCode } = analyzeEscape(batch, options);
        return { stdout: bytes(stdout), stderr: bytes(stderr), exitCode };
      },
    ),
  );
  return {
    compared: results.reduce((sum, one) => sum + one.compared, 0),
    differences: results.flatMap((one) => one.differences),
  };
}

/**
 * For tools that stop at the first wrong value: what we take for right goes in batches, where a
 * difference shows halves of the batch are looked at, and the wrong ones go alone.
 */
function inOrder(
  what: string,
  texts: readonly string[],
  [tool = "", ...args]: readonly string[],
  ours: (batch: readonly string[]) => Said,
): Comparison {
  const differences: Difference[] = [];
  const check = (input: string, mine: Said, yours: Said): boolean => {
    const [left, right] = [JSON.stringify(mine), JSON.stringify(yours)];
    if (left === right) return true;
    if (input !== "") differences.push({ what, input, ours: left, theirs: right });
    return false;
  };
  const look = (batch: readonly string[]): void => {
    const yours = ask(tool, [...args, "--", ...batch], "UTC");
    if (check(batch.length === 1 ? batch[0]! : "", ours(batch), yours) || batch.length < 2) return;
    const middle = batch.length >> 1;
    look(batch.slice(0, middle));
    look(batch.slice(middle));
  };
  const right = texts.filter((text) => ours([text]).exitCode === 0);
  const wrong = texts.filter((text) => ours([text]).exitCode !== 0);
  for (const batch of batches(right, BATCH)) look(batch);
  const answers = askEach(tool, args, wrong);
  for (const [index, text] of wrong.entries()) {
    const { stdout, stderr, exitCode } = ours([text]);
    check(text, { stdout: stdout + stderr, stderr: "", exitCode }, answers[index]!);
  }
  return { compared: texts.length, differences };
}

/** A loop in the shell: a process started from there costs a fraction of one started from here. */
const EACH = `while IFS= read -r -d '' one; do "$@" -- "$one" 2>&1; printf '\\0%s\\0' $?; done`;

/** What the tool says to each text alone; both its outputs are in `stdout`. */
function askEach(tool: string, args: readonly string[], texts: readonly string[]): Said[] {
  const { stdout, error } = spawnSync("bash", ["-c", EACH, "each", tool, ...args], {
    encoding: "latin1",
    input: Buffer.from(texts.map((text) => `${text}\0`).join("")).toString("latin1"),
    maxBuffer: 256 * 1024 * 1024,
    env: environment("UTC"),
  });
  if (error !== undefined) throw error;
  const parts = stdout.split("\0");
  return texts.map((_, index) => ({
    stdout: parts[2 * index] ?? "",
    stderr: "",
    exitCode: Number(parts[2 * index + 1]),
  }));
}

export function compareAll({ calendars, spans, names }: Samples): Comparison {
  const results = [compareCalendars(calendars), compareSpans(spans), compareNames(names)];
  return {
    compared: results.reduce((sum, one) => sum + one.compared, 0),
    differences: results.flatMap((one) => one.differences),
  };
}
