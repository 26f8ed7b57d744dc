import { spawnSync } from "node:child_process";
import { afterEach, describe, expect, it, vi } from "vitest";
import { main } from "../../main.js";

const installed = spawnSync("systemd-analyze", ["--version"]).error === undefined;
if (!installed) console.warn("skipped: needs systemd-analyze (Debian package systemd)");

interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** Catches what goes to one of the streams. */
function catching(stream: NodeJS.WriteStream): Buffer[] {
  const chunks: Buffer[] = [];
  vi.spyOn(stream, "write").mockImplementation((data, ...rest) => {
    chunks.push(Buffer.from(data as Uint8Array));
    const done = rest.at(-1) as unknown;
    if (typeof done === "function") done();
    return true;
  });
  return chunks;
}

async function ours(args: readonly string[], zone: string): Promise<Said> {
  const [out, err] = [catching(process.stdout), catching(process.stderr)];
  const exitCode = await main(["units", ...args], { TZ: zone });
  const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString("latin1");
  return { stdout: text(out), stderr: text(err), exitCode };
}

function theirs(args: readonly string[], zone: string): Said {
  const [verb = "", ...rest] = args;
  const [tool, all] = verb === "escape" ? ["systemd-escape", rest] : ["systemd-analyze", args];
  const { stdout, stderr, status } = spawnSync(tool, all, {
    encoding: "latin1",
    env: { PATH: process.env["PATH"], LC_ALL: "C.UTF-8", TZ: zone },
  });
  return { stdout, stderr, exitCode: status };
}

/** Both look at the clock for themselves. */
function withoutClock({ stdout, ...rest }: Said): Said {
  return { stdout: stdout.replace(/^( *From now:).*$/gm, "$1"), ...rest };
}

describe.skipIf(!installed)("units calendar, timespan and escape", () => {
  it.each([
    ["UTC", ["calendar", "Mon..Fri 9:00"]],
    [
      "Europe/Berlin",
      ["calendar", "--iterations=3", "--base-time", "2024-10-26", "2:30", "x", "@9"],
    ],
    ["America/New_York", ["calendar", "--base-time=2024-03-09 12:00 UTC", "2:30", "5min", "now"]],
    ["", ["calendar", "--iterations=x", "daily"]],
    ["UTC", ["calendar", "--base-time=gestern", "daily"]],
    ["UTC", ["calendar", "2020-1-1", "*-2-30"]],
    ["UTC", ["timespan", "1y 5month 3.5h", "infinity", "0"]],
    ["UTC", ["timespan", "90", "daily", "5"]],
    ["UTC", ["timespan", "12:00"]],
    ["UTC", ["escape", "a b", ".c", "é"]],
    ["UTC", ["escape", "-p", "/var/lib//x/", "a/b"]],
    ["UTC", ["escape", "-p", "/a/../b"]],
    ["UTC", ["escape", "-u", "\\xe9\\xff"]],
    ["UTC", ["escape", "-up", "var-lib"]],
    ["UTC", ["escape", "--template=web@.service", "-p", "/srv/a b"]],
    ["UTC", ["escape", "-u", "--instance", "web@srv-a.service"]],
    ["UTC", ["escape", "--suffix", "mount", "-p", "/home"]],
    ["UTC", ["escape", "--suffix=mont", "/home"]],
    ["UTC", ["escape", "-m", "/dev/sda", "/home", "web", "a@b.timer"]],
    ["UTC", ["escape", "-m", "-p", "a"]],
    ["UTC", ["escape"]],
  ] as const)("%s: print what systemd prints: %j", async (zone, args) => {
    expect(withoutClock(await ours(args, zone))).toEqual(withoutClock(theirs(args, zone)));
  });
});
