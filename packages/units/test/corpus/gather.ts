import { spawnSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isValidUnitName } from "../../src/index.js";

/** A unit file and where it comes from. */
export interface CorpusFile {
  readonly name: string;
  readonly text: string;
  readonly origin: string;
}

/** Most packages that are downloaded by one call. */
const BATCH = 40;

function run(command: string, args: readonly string[], cwd: string): string {
  const { stdout, stderr, status, error } = spawnSync(command, args, {
    encoding: "utf8",
    cwd,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args[0]}: ${stderr.trim()}`);
  return stdout;
}

/**
 * Downloads the smallest Debian packages that bring services, with apt-get, and gives the unit files
 * in them. All stays in `folder`; their licences are mixed, so that nothing of it is kept.
 */
export function gatherDebian(folder: string, packages: number): CorpusFile[] {
  const chosen = smallest(folder, packages);
  for (let at = 0; at < chosen.length; at += BATCH) {
    run("apt-get", ["download", "-q", ...chosen.slice(at, at + BATCH)], folder);
  }
  const files: CorpusFile[] = [];
  for (const archive of readdirSync(folder).filter((name) => name.endsWith(".deb"))) {
    const target = join(folder, archive.slice(0, -4));
    mkdirSync(target);
    // Only the units are unpacked: the rest of a package can be large.
    const script = `dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --wildcards './lib/systemd/*' './usr/lib/systemd/*' 2>/dev/null || true`;
    run("bash", ["-c", script, "unpack", archive, target], folder);
    files.push(...readTree(target, archive));
  }
  return files;
}

/** Packages that depend on what sets services up, by size. */
function smallest(folder: string, count: number): string[] {
  const names = run("apt-cache", ["rdepends", "init-system-helpers"], folder)
    .split("\n")
    .filter((line) => line.startsWith(" "))
    .map((line) => line.replace(/[ |]/g, ""));
  const sizes = new Map<string, number>();
  for (const paragraph of run("apt-cache", ["show", ...new Set(names)], folder).split("\n\n")) {
    const name = /^Package: (.*)$/m.exec(paragraph)?.[1];
    const size = /^Size: (\d+)$/m.exec(paragraph)?.[1];
    if (name !== undefined && size !== undefined) sizes.set(name, Number(size));
  }
  return [...sizes]
    .sort(([, a], [, b]) => a - b)
    .slice(0, count)
    .map(([name]) => name);
}

/** The unit files of a folder and those below it. */
export function readTree(folder: string, origin: string): CorpusFile[] {
  const files: CorpusFile[] = [];
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stat = lstatSync(path);
    if (stat.isDirectory()) files.push(...readTree(path, origin));
    else if (stat.isFile() && isValidUnitName(name)) {
      files.push({ name, text: readFileSync(path, "utf8"), origin });
    }
  }
  return files;
}

/**
 * systemd's fuzz cases: the first line is the unit's type, or `type,…`; what follows is the file.
 * Those without a type are for other parsers and are left out.
 */
export function readFuzzCases(folder: string): CorpusFile[] {
  const files: CorpusFile[] = [];
  for (const [index, case_] of readdirSync(folder).sort().entries()) {
    const whole = readFileSync(join(folder, case_), "utf8");
    const end = whole.indexOf("\n");
    const name = `fuzz-${index}.${whole.slice(0, end)}`;
    if (isValidUnitName(name)) files.push({ name, text: whole.slice(end + 1), origin: case_ });
  }
  return files;
}
