import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { observe, PATH, testRuntime, until } from "./support.js";

const SEND =
  "socket(my $s, AF_UNIX, SOCK_DGRAM, 0); send($s, $ENV{MESSAGE}, 0," +
  " pack_sockaddr_un($ENV{NOTIFY_SOCKET})) or die $!";

const isRoot = process.geteuid?.() === 0;

test.each([undefined, ...(isRoot ? ["nobody"] : [])])(
  "a message and its sender, user %s",
  async (user) => {
    const { sandbox, notified } = await observe(await testRuntime(), { notify: true });
    const pids: number[] = [];
    sandbox.onNotify = (message, pid) => {
      notified.push(message);
      pids.push(pid);
    };
    const { notifySocket = "" } = sandbox;
    expect(Buffer.byteLength(notifySocket)).toBeLessThan(108);
    const sender = await sandbox.exec({
      path: "perl",
      argv: ["perl", "-MSocket", "-e", SEND],
      environment: { PATH, NOTIFY_SOCKET: notifySocket, MESSAGE: "READY=1\nSTATUS=a=b\n\nX_1=2" },
      ...(user === undefined ? {} : { user }),
    });
    expect(await sender.exited).toEqual({ type: "exited", code: 0 });
    // Sent before the exit, so told before it.
    expect(notified).toEqual([{ READY: "1", STATUS: "a=b", X_1: "2" }]);
    expect(pids).toEqual([sender.pid]);
  },
);

test("the socket is guarded by a directory that only the unit's user may enter", async () => {
  const { sandbox } = await observe(await testRuntime(), { notify: true });
  const { notifySocket = "" } = sandbox;
  expect((await stat(dirname(notifySocket))).mode & 0o777).toBe(0o700);
  await sandbox.delete();
  await expect(stat(notifySocket)).rejects.toThrow("ENOENT");
});

test("without notify there is no socket", async () => {
  const { sandbox } = await observe(await testRuntime());
  expect(sandbox.notifySocket).toBeUndefined();
});

test("messages come from detached processes too, in order", async () => {
  const { sandbox, notified, shell } = await observe(await testRuntime(), { notify: true });
  await shell(`for i in 1 2 3; do MESSAGE="N=$i" setsid perl -MSocket -e '${SEND}'; done`, {
    environment: { PATH, NOTIFY_SOCKET: sandbox.notifySocket ?? "" },
  });
  await until(() => notified.length === 3);
  expect(notified.map((message) => message["N"])).toEqual(["1", "2", "3"]);
});
