import { chmod, copyFile, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createRuntime, type LocalRuntime } from "../src/index.js";
import { findOciRuntime } from "../src/oci/detect.js";
import {
  exists,
  isAlive,
  observe,
  PATH,
  temporaryDirectory,
  testRuntime,
  until,
} from "./support.js";

const BUSYBOX = "/bin/busybox";
const isRoot = process.geteuid?.() === 0;
const hasBusybox = await exists(BUSYBOX);

/** Each runtime that is installed, with and without cgroups. */
const cases: { oci: string; cgroups: "auto" | "none" }[] = [];
for (const oci of ["crun", "runc"]) {
  const found = await findOciRuntime(oci).catch(() => undefined);
  if (isRoot && hasBusybox && found !== undefined) {
    cases.push({ oci, cgroups: "auto" }, { oci, cgroups: "none" });
  } else console.warn(`skipped: needs root and the Debian packages ${oci} and busybox-static`);
}

/** A root file system of nothing but busybox and two users. */
async function busyboxRoot(): Promise<string> {
  const root = await temporaryDirectory();
  // Its mode is the container's `/`: others than root must get in.
  await chmod(root, 0o755);
  await mkdir(join(root, "bin"));
  await mkdir(join(root, "etc"));
  await mkdir(join(root, "data"));
  await copyFile(BUSYBOX, join(root, "bin/busybox"));
  for (const name of ["sh", "cat", "id", "sleep", "true", "ls", "env", "hostname", "mount", "dd"]) {
    await symlink("busybox", join(root, "bin", name));
  }
  await writeFile(join(root, "etc/passwd"), "root:x:0:0::/:/bin/sh\nweb:x:1234:1235::/:/bin/sh\n");
  await writeFile(join(root, "etc/group"), "root:x:0:\nweb:x:1235:\nextra:x:1240:web\n");
  return root;
}

describe.each(cases)("a container, $oci, cgroups $cgroups", ({ oci, cgroups }) => {
  async function observeContainer(spec: object = {}) {
    const runtime = await testRuntime({ oci, cgroups });
    const rootDirectory = await busyboxRoot();
    return { rootDirectory, runtime, ...(await observe(runtime, { rootDirectory, ...spec })) };
  }

  test("its own root, processes, host name; output and exit code", async () => {
    const { output, shell, empties } = await observeContainer();
    const exit = await shell("echo $$; ls -d /data; hostname; echo oops >&2; exit 7");
    expect(exit).toEqual({ type: "exited", code: 7 });
    expect(output).toEqual({ stdout: "1\n/data\ntest\n", stderr: "oops\n" });
    await until(() => empties.length === 1);
  });

  test("environment, working directory, umask and the container's own users", async () => {
    const { output, shell } = await observeContainer();
    await shell("pwd; umask; id; echo $GREETING", {
      environment: { PATH, GREETING: "hello" },
      workingDirectory: "/data",
      umask: 0o027,
      user: "web",
    });
    expect(output.stdout).toBe(
      "/data\n0027\nuid=1234(web) gid=1235(web) groups=1235(web),1240(extra)\nhello\n",
    );
  });

  test.each(["SIGKILL", "SIGTERM", "SIGHUP"])(
    "%s ends a first process without a handler, and is told as what it is",
    async (signal) => {
      const { sandbox } = await observeContainer();
      const sleep = await sandbox.exec({
        path: "sleep",
        argv: ["sleep", "1000"],
        environment: { PATH },
      });
      expect(await sleep.executed).toBeUndefined();
      // For a moment, a process of the container runtime is there too.
      await until(async () => String(await sandbox.pids()) === String(sleep.pid));
      if (signal === "SIGHUP") await sandbox.signalAll(signal);
      else await sandbox.signal(sleep.pid, signal);
      expect(await sleep.exited).toEqual({ type: "signaled", signal, coreDumped: false });
    },
  );

  test("a signal that is ignored, or ends no process, is left at that", async () => {
    const { sandbox, output } = await observeContainer();
    const script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    const argv = ["sh", "-c", script];
    const running = await sandbox.exec({ path: "sh", argv, environment: { PATH } });
    await until(() => output.stdout === "ready\n");
    for (const signal of ["SIGTERM", "SIGCHLD", "SIGWINCH", "SIGCONT"]) {
      await sandbox.signal(running.pid, signal);
    }
    expect(isAlive(running.pid)).toBe(true);
    await sandbox.signal(running.pid, "SIGUSR1");
    expect(await running.exited).toMatchObject({ signal: "SIGUSR1" });
  });

  test("a handler gets TERM", async () => {
    const { sandbox, output } = await observeContainer();
    const script = "trap 'exit 143' TERM; echo ready; while :; do sleep 0.05; done";
    const argv = ["sh", "-c", script];
    const running = await sandbox.exec({ path: "sh", argv, environment: { PATH } });
    await until(() => output.stdout === "ready\n");
    await sandbox.signalAll("SIGTERM");
    expect(await running.exited).toEqual({ type: "exited", code: 143 });
  });

  test("few capabilities, no new privileges, seccomp, hidden paths", async () => {
    const { output, shell } = await observeContainer();
    await shell(
      "while read k v; do case $k in CapEff:|NoNewPrivs:|Seccomp:)" +
        " echo $k $v;; esac; done </proc/self/status; cat /proc/kcore | cat; ls /sys/fs/cgroup;" +
        " echo x > /proc/sys/kernel/domainname; mount -t tmpfs none /data || echo refused",
    );
    expect(output.stdout).toBe("CapEff: 0000000020000420\nNoNewPrivs: 1\nSeccomp: 2\nrefused\n");
  });

  test("memory is limited, where there is a cgroup for it", async ({ skip }) => {
    const { sandbox, run } = await observeContainer({ memoryMaxBytes: 32 << 20 });
    if (sandbox.ignoredLimits.length > 0) return skip("no memory cgroup");
    const argv = ["dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1"];
    expect(await run({ path: "dd", argv })).toMatchObject({ signal: "SIGKILL" });
    expect(await sandbox.oomKilled()).toBe(true);
  });

  test("failures: no such command, no such directory, no such user", async () => {
    const { sandbox, rootDirectory } = await observeContainer();
    const base = { path: "true", argv: ["true"], environment: { PATH } };
    const cases = [
      { ...base, path: "no-such-command", step: "EXEC", exitCode: 203 },
      { ...base, path: "/no/such/command", step: "EXEC", exitCode: 203 },
      { ...base, workingDirectory: "/no/such", step: "CHDIR", exitCode: 200 },
      { ...base, user: "nobody", step: "USER", exitCode: 217 },
      { ...base, group: "nobody", step: "GROUP", exitCode: 216 },
    ];
    for (const { step, exitCode, ...spec } of cases) {
      const running = await sandbox.exec(spec);
      expect(await running.executed).toMatchObject({ step, exitCode });
      expect(await running.exited).toEqual({ type: "exited", code: exitCode });
    }
    expect(await readdir(rootDirectory)).not.toContain("no");
  });

  test("deleting kills it and leaves neither state nor bundle", async () => {
    const directory = await temporaryDirectory();
    const runtime = await testRuntime({ directory, oci, cgroups });
    const rootDirectory = await busyboxRoot();
    const { sandbox, output, shell } = await observe(runtime, { rootDirectory });
    const ended = shell("trap '' TERM; sleep 1000 & echo ready; wait");
    await until(() => output.stdout === "ready\n");
    const pids = await sandbox.pids();
    expect(pids.length).toBeGreaterThanOrEqual(2);
    await sandbox.delete();
    expect(await ended).toMatchObject({ type: "signaled", signal: "SIGKILL" });
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await readdir(join(directory, "oci"))).toEqual(["state"]);
    expect(await readdir(join(directory, "oci/state"))).toEqual([]);
  });

  test("a message on the notify socket comes from inside", async () => {
    // busybox has no datagram client: the socket's presence and its user are what is checked.
    const { output, shell, sandbox } = await observeContainer({ notify: true });
    await shell(`ls -ln ${sandbox.notifySocket}; cd /dev/flotilla && ls`, { user: "web" });
    expect(output.stdout).toMatch(/^srw-rw-rw-.*\/dev\/flotilla\/notify\nnotify\n$/);
    expect(output.stderr).toBe("");
  });
});

test("a root directory that is missing, relative or a file is refused", async () => {
  const runtime: LocalRuntime = await testRuntime();
  if (runtime.oci === "none") return;
  for (const rootDirectory of ["/no/such/root", "relative", "/etc/hostname"]) {
    const creating = runtime.create({ id: "x.service", notify: false, rootDirectory });
    await expect(creating).rejects.toMatchObject({ code: "bad-root" });
  }
});

test("without a container runtime, containers are refused and processes run", async () => {
  const runtime = await testRuntime({ oci: "none" });
  const creating = runtime.create({ id: "x.service", notify: false, rootDirectory: "/" });
  await expect(creating).rejects.toMatchObject({ code: "no-oci-runtime" });
  const { shell } = await observe(runtime);
  expect(await shell("exit 0")).toEqual({ type: "exited", code: 0 });
  await expect(
    createRuntime({ directory: await temporaryDirectory(), oci: "/no/such/crun" }),
  ).rejects.toMatchObject({ code: "no-oci-runtime" });
});
