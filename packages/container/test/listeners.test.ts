import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readLayout } from "../src/cgroup/layout.js";
import { observe, PATH, temporaryDirectory, testRuntime, until } from "./support.js";

const skip = readLayout().mode === "none" || process.getuid?.() !== 0;
if (skip) console.warn("skipped: listeners need cgroups, and root to make them");

/** Answers one connection on each descriptor that it was given, with its number and what it heard. */
const SERVER =
  'use Socket; $ENV{LISTEN_PID} == $$ or die; for my $n (3 .. 2 + $ENV{LISTEN_FDS}) { open my $l, "+<&=", $n or die $!; accept(my $c, $l) or die $!; syswrite $c, "fd $n"; close $c } print "served\\n"';

test.skipIf(skip)(
  "sockets wait in the helper, tell once, and are handed over in order",
  async () => {
    const directory = await temporaryDirectory();
    const runtime = await testRuntime();
    const path = join(directory, "s");
    const tcp = await runtime.listen({
      id: "a#0",
      type: "stream",
      address: { family: "inet", host: "127.0.0.1", port: 0 },
    });
    const unix = await runtime.listen({
      id: "a#1",
      type: "stream",
      address: { family: "unix", path },
      mode: 0o600,
    });
    expect(tcp.port).toBeGreaterThan(0);
    let told = 0;
    await tcp.arm(() => {
      told += 1;
    });
    const first = connect(tcp.port, "127.0.0.1");
    const second = connect(path);
    await until(() => told === 1);
    const { sandbox, output } = await observe(runtime);
    const server = await sandbox.exec({
      path: "perl",
      argv: ["perl", "-e", SERVER],
      environment: { PATH },
      listeners: [tcp.id, unix.id],
      limits: { NOFILE: { soft: 32, hard: 32 } },
    });
    const heard = await Promise.all(
      [first, second].map(async (socket) => String((await once(socket, "data"))[0])),
    );
    expect(heard).toEqual(["fd 3", "fd 4"]);
    expect(await server.exited).toEqual({ type: "exited", code: 0 });
    await until(() => output.stdout === "served\n");
    expect(told).toBe(1);
    await tcp.close();
    await unix.close();
    await expect(once(connect(tcp.port, "127.0.0.1"), "connect")).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
  },
);

test.skipIf(skip)("what cannot be bound is told", async () => {
  const runtime = await testRuntime();
  const taken = await runtime.listen({
    id: "a",
    type: "stream",
    address: { family: "inet", host: "127.0.0.1", port: 0 },
  });
  const again = runtime.listen({
    id: "b",
    type: "stream",
    address: { family: "inet", host: "127.0.0.1", port: taken.port },
  });
  await expect(again).rejects.toMatchObject({ message: expect.stringContaining("in use") });
});

test.skipIf(skip)("the end of a daemon that lost its parent is told", async () => {
  const { sandbox, output } = await observe(await testRuntime());
  const starter = await sandbox.exec({
    path: "sh",
    argv: ["sh", "-c", "sleep 1000 & echo $!"],
    environment: { PATH },
  });
  await starter.exited;
  await until(() => output.stdout.endsWith("\n"));
  const orphan = await sandbox.watch(Number(output.stdout));
  await sandbox.signal(orphan.pid, "SIGTERM");
  expect(await orphan.exited).toMatchObject({ type: "signaled" });
  await expect(sandbox.watch(1)).rejects.toMatchObject({ code: "no-process" });
});
