import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FLOTILLA, FlotillaCluster, waitFor } from "../src/index.js";
import { cli } from "./run.js";

const SLEEPER = `# kept byte for byte
[Unit]
Description=Sleeper %i
[Service]
ExecStart=/bin/sh -c 'echo "hello from %i"; exec sleep 1000'
[X-Fleet]
Conflicts=sleep@*.service
`;

describe("flotilla against a cluster", () => {
  let directory: string;
  let cluster: FlotillaCluster;
  let flotilla: ReturnType<typeof cli>;
  let template: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "flotilla-cli-"));
    cluster = await FlotillaCluster.start({
      directory,
      flags: ["--metadata=region=here,disk=ssd"],
    });
    flotilla = cli(cluster.members.map(({ api }) => api.url));
    template = join(directory, "sleep@.service");
    writeFileSync(template, SLEEPER);
  });

  afterAll(async () => {
    await cluster.stopAll();
    rmSync(directory, { recursive: true, force: true });
  });

  it("lists machines as fleetctl does", async () => {
    const { code, stdout } = await flotilla("list-machines");
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^MACHINE\t+IP\t+METADATA$/);
    expect(lines).toHaveLength(4);
    expect(lines[1]).toMatch(/^[0-9a-f]{8}\.\.\.\t127\.0\.0\.1\tdisk=ssd,region=here$/);
    const json = await flotilla("list-machines", "-o", "json");
    expect(JSON.parse(json.stdout)).toHaveLength(3);
  });

  it("says that a replaced unit is started anew, and lists what is registered", async () => {
    const path = join(directory, "web.service");
    const content = (word: string): string =>
      `[Service]\nExecStart=/bin/sh -c 'echo ${word}; exec sleep 1000'\n[X-Flotilla]\nService=web\nPort=8080\n`;
    writeFileSync(path, content("old"));
    expect(await flotilla("start", path)).toMatchObject({ code: 0, stderr: "" });
    const services = await waitFor("the service", async () => {
      const { stdout } = await flotilla("services");
      return stdout.includes("web") && stdout;
    });
    expect(services).toMatch(/^SERVICE\t+ADDRESS\t+INSTANCE\nweb\t+127\.0\.0\.1:8080\t+\S+\n$/);
    writeFileSync(path, content("new"));
    expect(await flotilla("submit", "--replace", path)).toMatchObject({
      code: 0,
      stderr: "unit web.service runs: it is stopped and started with the new content\n",
    });
    expect((await flotilla("destroy", "web")).code).toBe(0);
  });

  it("runs a template's instances from submit to destroy", async () => {
    expect(await flotilla("submit", template)).toMatchObject({
      code: 0,
      stdout: "Unit sleep@.service inactive\n",
    });
    const started = await flotilla("start", "sleep@1", "sleep@2", "sleep@3");
    expect(started.stderr).toBe("");
    expect(started.stdout).toMatch(
      /^(Unit sleep@\d\.service launched on [0-9a-f]{8}\.\.\.\/127\.0\.0\.1\n){3}$/,
    );
    const units = await waitFor("three active units", async () => {
      const { stdout } = await flotilla("list-units", "--no-legend");
      const rows = stdout
        .trimEnd()
        .split("\n")
        .map((line) => line.split(/\t+/));
      return rows.length === 3 && rows.every(([, , active]) => active === "active") && rows;
    });
    expect(new Set(units.map(([, machine]) => machine)).size).toBe(3);
    expect(units.map(([, , , sub]) => sub)).toEqual(["running", "running", "running"]);

    const files = await flotilla("list-unit-files");
    expect(files.stdout).toMatch(/^UNIT\t+HASH\t+DSTATE\t+STATE\t+TARGET\n/);
    expect(files.stdout).toMatch(
      /^sleep@1\.service\t[0-9a-f]{7}\tlaunched\tlaunched\t[0-9a-f]{8}\.\.\.\/127\.0\.0\.1$/m,
    );
    expect(files.stdout).toMatch(/^sleep@\.service\t[0-9a-f]{7}\tinactive\tinactive\t-$/m);

    expect((await flotilla("cat", "sleep@2")).stdout).toBe(SLEEPER);
    expect((await flotilla("journal", "--output", "cat", "sleep@2")).stdout).toContain(
      "hello from 2\n",
    );
    const status = await flotilla("status", "sleep@2");
    expect(status.stdout).toContain("● sleep@2.service - Sleeper 2");
    expect(status.stdout).toMatch(/Active: active \(running\)/);
    expect(status.stdout).toMatch(/Main PID: \d+/);

    const fourth = await flotilla("start", "--block-attempts", "3", "sleep@4");
    expect(fourth.code).toBe(1);
    expect(fourth.stderr).toMatch(/sleep@4\.service/);
    const explained = await flotilla("explain", "sleep@4");
    expect(explained.stdout.match(/[Cc]onflict/g)?.length).toBeGreaterThanOrEqual(3);

    const before = await flotilla("status", "sleep@3", "-o", "json");
    expect((await flotilla("restart", "sleep@3")).stdout).toMatch(
      /^Unit sleep@3\.service launched/,
    );
    const after = await flotilla("status", "sleep@3", "-o", "json");
    const pid = (text: string): number => JSON.parse(text)[0].mainPid;
    expect(pid(after.stdout)).not.toBe(pid(before.stdout));

    expect((await flotilla("stop", "sleep@1")).stdout).toMatch(/^Unit sleep@1\.service loaded on/);
    expect((await flotilla("unload", "sleep@1")).stdout).toBe("Unit sleep@1.service inactive\n");
    const destroyed = await flotilla("destroy", "sleep@1", "sleep@2", "sleep@3", "sleep@4");
    expect(destroyed.stdout).toBe(
      [1, 2, 3, 4].map((i) => `Destroyed sleep@${i}.service\n`).join(""),
    );
    expect((await flotilla("list-units", "--no-legend")).stdout).toBe("");
  });

  it("stops what has ended already, and does not start what is only submitted", async () => {
    const unit = join(directory, "once.service");
    writeFileSync(unit, "[Service]\nType=oneshot\nExecStart=/bin/true\n");
    expect((await flotilla("submit", unit)).code).toBe(0);
    const early = await flotilla("stop", "once");
    expect(early.code).toBe(1);
    expect(early.stderr).toContain("once.service is not loaded");
    expect((await flotilla("start", "once")).code).toBe(0);
    const stopped = await flotilla("stop", "once");
    expect(stopped.stdout).toMatch(/^Unit once\.service loaded on/);
    await flotilla("destroy", "once");
  });

  it("answers no web page", async () => {
    const url = `${cluster.members[0]?.api.url}/flotilla/v1/units`;
    expect((await fetch(url)).status).toBe(200);
    expect((await fetch(url, { headers: { origin: "http://evil.example" } })).status).toBe(403);
  });

  it("follows a journal", async () => {
    const unit = join(directory, "ticker.service");
    writeFileSync(
      unit,
      `[Service]\nExecStart=/bin/sh -c 'i=0; while :; do i=$((i+1)); echo "tick $i"; sleep 0.1; done'\n`,
    );
    await flotilla("start", unit);
    const child = spawn(process.execPath, [FLOTILLA, "journal", "-f", "-l", "1", "ticker"], {
      env: { ...process.env, FLOTILLA_ENDPOINT: cluster.members[0]?.api.url },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    try {
      await waitFor("ten ticks", () => (text.match(/tick \d+/g) ?? []).length >= 10);
    } finally {
      child.kill();
    }
    const ticks = (text.match(/tick (\d+)/g) ?? []).map((tick) => Number(tick.slice(5)));
    expect(ticks).toEqual(ticks.map((_, i) => (ticks[0] ?? 0) + i));
    await flotilla("destroy", "ticker");
  });

  it("reads and writes the store", async () => {
    expect(await flotilla("kv", "put", "greeting", "hello")).toMatchObject({ stdout: "OK\n" });
    expect(await flotilla("kv", "get", "greeting")).toMatchObject({ stdout: "greeting\nhello\n" });
    expect(await flotilla("kv", "get", "--print-value-only", "--prefix", "greet")).toMatchObject({
      stdout: "hello\n",
    });
    const watch = spawn(process.execPath, [FLOTILLA, "kv", "watch", "--rev", "1", "greeting"], {
      env: { ...process.env, FLOTILLA_ENDPOINT: cluster.members[0]?.api.url },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let seen = "";
    watch.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      seen += chunk;
    });
    try {
      await flotilla("kv", "del", "greeting");
      await waitFor("both events", () => seen === "PUT\ngreeting\nhello\nDELETE\ngreeting\n\n");
    } finally {
      watch.kill();
    }
    expect((await flotilla("kv", "get", "greeting")).code).toBe(1);
  });

  it("fails with one clear message, its mend, and a fitting exit code", async () => {
    const unknown = await flotilla("status", "nothing");
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toMatch(
      /^flotilla: unit nothing\.service is not in the cluster\n {2}mend: /,
    );
    expect((await flotilla("launch", "x")).code).toBe(2);
    expect((await flotilla("list-units", "--fields", "colour")).code).toBe(2);
    const away = await cli(["http://127.0.0.1:1"])("list-units");
    expect(away.code).toBe(1);
    expect(away.stderr).toMatch(
      /no node of the cluster answers\n {2}http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/,
    );
  });

  it("refuses unit files that are wrong, naming file, line and column", async () => {
    const refused = async (name: string, content: string): Promise<string> => {
      const path = join(directory, name);
      writeFileSync(path, content);
      const { code, stdout, stderr } = await flotilla("start", path);
      expect(code).toBe(1);
      expect(stdout).toBe("");
      return stderr;
    };
    expect(await refused("torn.service", "[Service\nExecStart=/bin/true\n")).toMatch(
      /torn\.service:1:\d+: error/,
    );
    expect(await refused("no-exec.service", "[Service]\nType=simple\n")).toMatch(
      /no-exec\.service:\d+:\d+: error/,
    );
    expect(
      await refused("odd.service", "[Service]\nExecStart=/bin/true\n[X-Fleet]\nMachinID=abc\n"),
    ).toMatch(/odd\.service:4:1: error.*MachinID/);
    expect(
      await refused(
        "both.service",
        "[Service]\nExecStart=/bin/true\n[X-Fleet]\nGlobal=true\nMachineOf=a.service\n",
      ),
    ).toMatch(/both\.service:\d:\d+: error.*Global/);
    const units = await flotilla("list-unit-files", "--no-legend");
    expect(units.stdout).not.toMatch(/torn|no-exec|odd|both/);
  });
});
