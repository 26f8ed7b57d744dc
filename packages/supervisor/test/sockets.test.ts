import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listenerOf } from "../src/socket/listen-address.js";
import { temporaryDirectory } from "./support/harness.js";
import { CANNOT_RUN, startReal } from "./support/real.js";

const skip = CANNOT_RUN ?? (process.getuid?.() === 0 ? undefined : "sockets need root's cgroups");
if (skip) console.warn(`skipped: ${skip}`);

it("reads addresses as systemd.socket(5) writes them", () => {
  const at = (value: string) => listenerOf({ key: "ListenStream", value })?.address;
  expect(at("/run/x")).toEqual({ family: "unix", path: "/run/x" });
  expect(at("@x")).toEqual({ family: "unix", path: "@x" });
  expect(at("80")).toEqual({ family: "inet6", host: "::", port: 80 });
  expect(at("127.0.0.1:80")).toEqual({ family: "inet", host: "127.0.0.1", port: 80 });
  expect(at("[::1]:80")).toEqual({ family: "inet6", host: "::1", port: 80 });
  for (const bad of ["", "x", "70000", "vsock:2:1"]) expect(at(bad)).toBeUndefined();
  expect(listenerOf({ key: "ListenFIFO", value: "80" })).toBeUndefined();
});

/** Answers connections on descriptor 3 with its pid, one a second at most, and ends after `n`. */
const server = (n: number): string =>
  `:/usr/bin/perl -e 'use Socket; open my $l, "+<&=", 3 or die $!; for (1 .. ${n}) { accept(my $c, $l) or die $!; syswrite $c, "$$ $ENV{LISTEN_FDNAMES}\\n"; close $c }'`;

async function ask(path: string): Promise<string> {
  const socket = connect(path);
  return String((await once(socket, "data"))[0]).trim();
}

describe.skipIf(skip)("socket activation", () => {
  it("starts the service with its sockets when somebody comes, and listens again after it", async () => {
    const path = join(await temporaryDirectory(), "run/s");
    const { supervisor, states, reached } = await startReal();
    await supervisor.load("e.service", `[Service]\nExecStart=${server(1)}\n`);
    await supervisor.load(
      "e.socket",
      `[Socket]\nListenStream=${path}\nFileDescriptorName=door\nRemoveOnStop=yes\n`,
    );
    expect(await supervisor.start("e.socket")).toBe("done");
    expect((await supervisor.status("e.service"))?.active).toBe("inactive");
    const first = await ask(path);
    expect(first).toMatch(/^\d+ door$/);
    await reached("e.service", ({ sub }) => sub === "dead");
    expect(await ask(path)).not.toBe(first);
    await expect
      .poll(() => states("e.socket").slice(0, 5))
      .toEqual(["start-pre", "listening", "running", "listening", "running"]);
    await expect.poll(async () => (await supervisor.status("e.socket"))?.sub).toBe("listening");
    expect(await supervisor.stop("e.socket")).toBe("done");
    await expect(once(connect(path), "connect")).rejects.toThrow();
  });

  it("a socket goes on over a supervisor that was killed", async () => {
    const directory = await temporaryDirectory();
    const path = join(directory, "s");
    const first = await startReal(directory, { adoptMs: 60_000 });
    await first.supervisor.load("e.service", `[Service]\nExecStart=${server(1)}\n`);
    await first.supervisor.load("e.socket", `[Socket]\nListenStream=${path}\n`);
    await first.supervisor.start("e.socket");
    await first.supervisor.detach();
    const asked = ask(path);
    await startReal(directory, { adoptMs: 60_000 });
    expect(await asked).toMatch(/^\d+ e.socket$/);
  });

  it("fails where it cannot listen, and says why", async () => {
    const { supervisor, notes } = await startReal();
    await supervisor.load("e.service", "[Service]\nExecStart=/bin/true\n");
    await supervisor.load("e.socket", "[Socket]\nListenStream=192.0.2.1:80\n");
    expect(await supervisor.start("e.socket")).toBe("failed");
    expect((await supervisor.status("e.socket"))?.result).toBe("resources");
    expect((await notes("e.socket")).join("\n")).toContain("It cannot listen");
  });
});
