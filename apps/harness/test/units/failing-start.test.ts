import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { OneMember } from "./one-member.js";

const one = OneMember.forThisFile();

describe("a unit that fails at once", () => {
  it("is told of by start, status and list-units", async () => {
    const path = join(one.directory, "broken.service");
    writeFileSync(path, "[Service]\nExecStart=/bin/sh -c 'echo cannot >&2; exit 7'\n");
    onTestFinished(() => one.destroyed("broken.service"));
    const start = await one.flotilla("start", path);
    expect(start.code).toBe(1);
    expect(start.stdout).toBe("");
    expect(start.stderr).toMatch(/^flotilla: broken\.service failed on [0-9a-f]{8}\.\.\./);
    expect(start.stderr).toMatch(/exit-code.*7/);
    expect(start.stderr).toMatch(/mend: .*flotilla status broken\.service/);
    const status = await one.flotilla("status", "broken");
    expect(status.stdout).toMatch(/^× broken\.service/);
    expect(status.stdout).toMatch(/Active: failed \(failed\) \(Result: exit-code\)/);
    expect(status.stdout).toMatch(/Process: exited, status 7/);
    expect(status.stdout).toMatch(/: cannot$/m);
    const restart = await one.flotilla("restart", "broken");
    expect(restart).toMatchObject({ code: 1, stdout: "" });
    expect(restart.stderr).toMatch(/^flotilla: broken\.service failed on/);
    const list = await one.flotilla("list-units");
    expect(list.stdout).toMatch(/^broken\.service\t+\S+\t+failed\t+failed$/m);
  });

  it("and again and again is warned of", async () => {
    const path = join(one.directory, "loop.service");
    writeFileSync(
      path,
      "[Service]\nRestart=always\nRestartSec=10min\nExecStart=/bin/sh -c 'exit 1'\n",
    );
    onTestFinished(() => one.destroyed("loop.service"));
    const start = await one.flotilla("start", path);
    expect(start).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Unit loop\.service launched/),
    });
    expect(start.stderr).toMatch(/^WARNING: unit loop\.service ends and is started again/);
    expect((await one.flotilla("list-units")).stdout).toMatch(
      /^loop\.service\t+\S+\t+activating\t+auto-restart$/m,
    );
  });

  it("whose program is not there says which", async () => {
    const path = join(one.directory, "absent.service");
    writeFileSync(path, "[Service]\nType=exec\nExecStart=/no/such/program\n");
    onTestFinished(() => one.destroyed("absent.service"));
    const start = await one.flotilla("start", path);
    expect(start.code).toBe(1);
    expect(start.stderr).toMatch(/absent\.service failed/);
    expect(start.stderr).toContain("/no/such/program");
  });
});
