import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The version of systemd's offline tools; undefined where they are not installed. */
export function systemdVersion(): number | undefined {
  try {
    const text = execFileSync("systemd-analyze", ["--version"], { encoding: "utf8" });
    return Number(/^systemd (\d+)/.exec(text)?.[1]);
  } catch {
    return undefined;
  }
}

/** Why oracle tests are skipped where they are. */
export const NEEDS_SYSTEMD = "needs systemd-analyze and systemd-escape (Debian package systemd)";

export interface Verdict {
  /** Lines that systemd complains of. */
  readonly lines: ReadonlySet<number>;
  /** What it says, for the failure message. */
  readonly messages: readonly string[];
  /** It refuses the unit. */
  readonly refused: boolean;
}

/** What `systemd-analyze verify` says of unit files, each seen alone, with none but bare targets around. */
export function verify(units: ReadonlyMap<string, string>): Map<string, Verdict> {
  const folder = mkdtempSync(join(tmpdir(), "flotilla-units-"));
  try {
    mkdirSync(folder, { recursive: true });
    for (const target of ["sysinit", "basic", "shutdown", "default", "multi-user", "system"]) {
      const type = target === "system" ? "slice" : "target";
      writeFileSync(join(folder, `${target}.${type}`), "[Unit]\n");
    }
    for (const [name, text] of units) writeFileSync(join(folder, name), text);
    const names = [...units.keys()].map((name) => join(folder, name));
    const { stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", ...names], {
      encoding: "utf8",
      env: { ...process.env, SYSTEMD_UNIT_PATH: folder, LC_ALL: "C.UTF-8" },
    });
    return collect([...units.keys()], stderr);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function collect(names: readonly string[], output: string): Map<string, Verdict> {
  const verdicts = new Map(
    names.map((name) => [
      name,
      { lines: new Set<number>(), messages: [] as string[], refused: false },
    ]),
  );
  for (const line of output.split("\n")) {
    const place = /^\S*\/([^/:]+):(\d+): (.*)$/.exec(line);
    const verdict = verdicts.get(place?.[1] ?? "");
    if (place !== null && verdict !== undefined) {
      verdict.lines.add(Number(place[2]));
      verdict.messages.push(place[3]!);
      continue;
    }
    // `verify` lets a unit that was refused pass in one case: its own check of commands.
    const refused =
      /^Unit (\S+) (?:has a bad unit file setting|failed to load properly)/.exec(line) ??
      /^Failed to prepare filename .*\/([^/:]+):/.exec(line);
    const found = verdicts.get(refused?.[1] ?? "");
    if (found !== undefined) found.refused = true;
    const own = verdicts.get(/^(\S+?): /.exec(line)?.[1] ?? "");
    own?.messages.push(line);
  }
  return verdicts;
}
