import { describe, expect, test } from "vitest";
import { isAlive, observe, PATH, temporaryDirectory, testRuntime, until } from "./support.js";

// Both ways of keeping processes together; on a machine without cgroups they are the same.
describe.each(["auto", "none"] as const)("a bare process, cgroups %s", (cgroups) => {
  test("its exit code, its output on both streams, then that the sandbox is empty", async () => {
    const { sandbox, output, empties, shell } = await observe(await testRuntime({ cgroups }));
    const exit = await shell("echo out; echo err >&2; exit 3");
    expect(exit).toEqual({ type: "exited", code: 3 });
    expect(output).toEqual({ stdout: "out\n", stderr: "err\n" });
    await until(() => empties.length === 1);
    expect(await sandbox.pids()).toEqual([]);
  });

  test("a signal ends it and is named", async () => {
    const { sandbox } = await observe(await testRuntime({ cgroups }));
    const sleep = await sandbox.exec({ path: "sleep", argv: ["sleep", "60"], environment: {} });
    expect(await sleep.executed).toBeUndefined();
    expect(await sandbox.pids()).toEqual([sleep.pid]);
    await sandbox.signal(sleep.pid, "SIGTERM");
    expect(await sleep.exited).toEqual({ type: "signaled", signal: "SIGTERM", coreDumped: false });
    await expect(sandbox.signal(sleep.pid, "SIGTERM")).rejects.toMatchObject({
      code: "no-process",
    });
  });

  test("environment as given, directory, umask, nice, limits, session of its own", async () => {
    const { output, run, shell } = await observe(await testRuntime({ cgroups }));
    const environment = { PATH, GREETING: "a b\nc" };
    await run({ path: "env", environment });
    expect(output.stdout).toBe(`PATH=${PATH}\nGREETING=a b\nc\n`);
    output.stdout = "";
    await shell("pwd; umask; nice; ulimit -n; ps -o sid= -p $$ | tr -d ' '; echo $$", {
      workingDirectory: "/usr/bin",
      umask: 0o027,
      nice: 5,
      limits: { NOFILE: { soft: 64, hard: 128 } },
    });
    const [sid, pid] = output.stdout.trim().split("\n").slice(-2);
    expect(sid).toBe(pid);
    expect(output.stdout).toBe(`/usr/bin\n0027\n5\n64\n${sid}\n${pid}\n`);
  });

  test("exec failures have systemd's exit codes", async () => {
    const { sandbox } = await observe(await testRuntime({ cgroups }));
    const base = { path: "true", argv: ["true"], environment: { PATH } };
    const directory = await temporaryDirectory();
    const cases = [
      { ...base, path: "/no/such/file", step: "EXEC", exitCode: 203 },
      { ...base, path: "no-such-command", step: "EXEC", exitCode: 203 },
      { ...base, path: directory, step: "EXEC", exitCode: 203 },
      { ...base, workingDirectory: "/no/such", step: "CHDIR", exitCode: 200 },
      { ...base, user: "no-such-user", step: "USER", exitCode: 217 },
      { ...base, group: "no-such-group", step: "GROUP", exitCode: 216 },
    ];
    for (const { step, exitCode, ...spec } of cases) {
      const running = await sandbox.exec(spec);
      expect(await running.executed).toMatchObject({ step, exitCode });
      expect(await running.exited).toEqual({ type: "exited", code: exitCode });
    }
  });

  test("what forks and detaches is killed whole", async () => {
    const { sandbox, output, empties, shell } = await observe(await testRuntime({ cgroups }));
    await shell(
      "setsid sh -c 'setsid sleep 1000 & echo $!; exec sleep 1000' </dev/null & echo $!; sleep 0.2",
    );
    await until(async () => output.stdout.split("\n").length === 3);
    const pids = output.stdout.trim().split("\n").map(Number);
    expect((await sandbox.pids()).toSorted()).toEqual(pids.toSorted());
    expect(empties).toEqual([]);
    await sandbox.delete();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test("after SIGKILL to all, the sandbox runs processes again", async () => {
    const { sandbox, shell } = await observe(await testRuntime({ cgroups }));
    const sleep = await sandbox.exec({ path: "sleep", argv: ["sleep", "60"], environment: {} });
    await sandbox.signalAll("SIGKILL");
    expect(await sleep.exited).toMatchObject({ signal: "SIGKILL" });
    expect(await shell("exit 5")).toEqual({ type: "exited", code: 5 });
  });
});
