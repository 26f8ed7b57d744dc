import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { readUnitFolder } from "./folder.js";
import { type SuperviseOptions, supervise } from "./run.js";

const INIT = join(import.meta.dirname, "../../../bin/flotilla-init");
const noPerl = !existsSync("/usr/bin/perl");
if (noPerl) console.warn("skipped: needs /usr/bin/perl (Debian package perl-base)");

/** A folder of its own with files in it; values that begin with `->` are links. */
async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "flotilla-supervise-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name);
    await mkdir(join(path, ".."), { recursive: true });
    if (text.startsWith("->")) await symlink(text.slice(2), path);
    else await writeFile(path, text);
  }
  return directory;
}

const INSTALL = "[Install]\nWantedBy=multi-user.target\n";

it("reads a folder as systemd does: drop-ins, instances, masks, what is enabled", async () => {
  const directory = await folderOf({
    "a.service": `[Service]\nExecStart=/bin/a\n${INSTALL}`,
    "a.service.d/20.conf": "[Service]\nExecStart=\nExecStart=/bin/b\n",
    "a.service.d/10.conf": "[Unit]\nDescription=ten\n",
    "a.service.d/README": "no drop-in",
    "w@.service": "[Service]\nExecStart=/bin/w %i\n",
    "multi-user.target.wants/w@1.service": "->../w@.service",
    "masked.service": "->/dev/null",
    "notes.txt": "no unit",
  });
  const { units, enabled } = await readUnitFolder(directory);
  expect([...units.keys()]).toEqual(["a.service", "masked.service", "w@1.service"]);
  expect(units.get("masked.service")).toBe("");
  expect(units.get("a.service")).toMatch(/\/bin\/a[\s\S]*ten[\s\S]*\/bin\/b/);
  expect([...enabled]).toEqual(["a.service", "w@1.service"]);
});

describe.skipIf(noPerl)("flotilla supervise", () => {
  async function run(directory: string, given: Partial<SuperviseOptions> = {}) {
    const state = await mkdtemp(join(tmpdir(), "flotilla-state-"));
    onTestFinished(() => rm(state, { recursive: true, force: true }));
    const lines: string[] = [];
    const options = { state, untilIdle: false, keep: "0", quiet: false, ...given };
    const ended = supervise(directory, options, (line) => lines.push(line));
    // What it rejects with is looked at later.
    ended.catch(() => {});
    const said = (line: string | RegExp) =>
      expect.poll(() => lines.join("\n"), { timeout: 10_000 }).toMatch(line);
    return { lines, ended, said };
  }

  it("starts what is enabled, prints what it writes, rereads on SIGHUP, stops on SIGTERM", async () => {
    const directory = await folderOf({
      "web.service": `[Service]\nExecStart=/bin/sh -c 'trap "echo bye; exit" TERM; echo up; while :; do sleep 0.05; done'\n${INSTALL}`,
      "idle.service": "[Service]\nExecStart=/bin/echo never\n",
    });
    const { said, ended, lines } = await run(directory);
    await said(/^web.service sh\[\d+\]: up$/m);
    await writeFile(
      join(directory, "late.service"),
      `[Service]\nExecStart=/bin/sh -c 'echo late; exec sleep 60'\nNoSuchKey=1\n${INSTALL}`,
    );
    process.emit("SIGHUP");
    await said(/late.service sh\[\d+\]: late/);
    await said(/late.service:3: warning: .*NoSuchKey/);
    process.emit("SIGTERM");
    await ended;
    expect(lines.join("\n")).toContain("bye");
    expect(lines.join("\n")).not.toContain("never");
  });

  it("--until-idle ends with its units, and with 1 when one has failed", async () => {
    const ok = await folderOf({
      "a.service": `[Service]\nType=oneshot\nExecStart=/bin/echo hi\n${INSTALL}`,
    });
    await (await run(ok, { untilIdle: true })).ended;
    const bad = await folderOf({ "a.service": "[Service]\nType=oneshot\nExecStart=/bin/false\n" });
    const { ended } = await run(bad, { untilIdle: true, unit: ["a.service"] });
    await expect(ended).rejects.toMatchObject({ exitCode: 1 });
  });

  it("says what is wrong with a folder", async () => {
    await expect((await run(await folderOf({}))).ended).rejects.toMatchObject({
      message: expect.stringContaining("no unit files"),
    });
  });
});

describe.skipIf(noPerl)("flotilla-init", () => {
  it("ends as its command does, and hands signals on", async () => {
    expect(spawnSync(INIT, ["sh", "-c", "exit 7"]).status).toBe(7);
    expect(spawnSync(INIT, ["/no/such/program"]).status).toBe(127);
    const script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done";
    const init = spawn(INIT, ["sh", "-c", script], { stdio: ["ignore", "pipe", "inherit"] });
    await once(init.stdout, "data");
    init.kill("SIGTERM");
    expect((await once(init, "exit"))[0]).toBe(9);
  });

  it.skipIf(process.getuid?.() !== 0)("as PID 1 it reaps the children of others", () => {
    // An orphan ends while the command looks for zombies.
    const script =
      "(sleep 0.1 &) ; sleep 0.5; for f in /proc/[0-9]*/stat; do read -r line < $f; echo \"$line\"; done | grep -c ' Z ' ; true";
    const { stdout } = spawnSync("unshare", [
      "--pid",
      "--fork",
      "--mount-proc",
      INIT,
      "sh",
      "-c",
      script,
    ]);
    expect(stdout.toString().trim()).toBe("0");
  });
});
