import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { main } from "../../main.js";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flotilla-units-"));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

async function put(path: string, text: string): Promise<string> {
  const whole = join(folder, path);
  await mkdir(dirname(whole), { recursive: true });
  await writeFile(whole, text);
  return whole;
}

async function run(...args: string[]): Promise<{ out: string; err: string; code: number }> {
  const said = { out: "", err: "" };
  for (const [name, stream] of [
    ["out", process.stdout],
    ["err", process.stderr],
  ] as const) {
    vi.spyOn(stream, "write").mockImplementation((data, ...rest) => {
      said[name] += Buffer.from(data as Uint8Array).toString();
      const done = rest.at(-1) as unknown;
      if (typeof done === "function") done();
      return true;
    });
  }
  const code = await main(["units", ...args], {});
  return { ...said, code };
}

describe("units lint", () => {
  it("fails from the severity that is asked for", async () => {
    const good = await put("good.service", "[Service]\nExecStart=/bin/true\n");
    const warned = await put("warned.service", "[Service]\nExecStart=/bin/true\nNope=1\n");
    const bad = await put("bad.service", "[Service]\n");
    expect(await run("lint", good)).toEqual({ out: "", err: "", code: 0 });
    expect((await run("lint", warned)).code).toBe(0);
    expect((await run("lint", "--fail-on=warning", warned)).code).toBe(1);
    const refused = await run("lint", bad, warned);
    expect(refused.code).toBe(1);
    expect(refused.out).toContain("[missing-exec-start]");
    expect((await run("lint", "--fail-on", "never", bad)).code).toBe(0);
    expect((await run("lint", "--fail-on", "mild", bad)).code).toBe(2);
    expect((await run("lint", join(folder, "none.service"))).code).toBe(2);
  });

  it("prints JSON, and knows quadlet files", async () => {
    const path = await put("web.container", "[Container]\nImage=x\nImag=y\n");
    const { out } = await run("lint", "-o", "json", path);
    expect(JSON.parse(out)).toMatchObject([
      { code: "unknown-key", severity: "warning", file: path, span: { start: { line: 3 } } },
    ]);
  });
});

describe("units format", () => {
  it("prints, checks and writes", async () => {
    const path = await put("a.service", "[Unit]\nAfter = b.service\n");
    expect((await run("format", path)).out).toBe("[Unit]\nAfter=b.service\n");
    expect(await run("format", "--check", path)).toEqual({ out: `${path}\n`, err: "", code: 1 });
    expect((await run("format", "-w", path)).out).toBe(`${path}\n`);
    expect(await readFile(path, "utf8")).toBe("[Unit]\nAfter=b.service\n");
    expect((await run("format", "--check", path)).code).toBe(0);
  });
});

describe("units cat and graph", () => {
  it("look below a root, along aliases and into drop-ins", async () => {
    await put("etc/systemd/system/a.service", "[Service]\nExecStart=/bin/a\n");
    await put("etc/systemd/system/a.service.d/x.conf", "[Service]\nNice=1");
    await symlink("a.service", join(folder, "etc/systemd/system/b.service"));
    const { out, code } = await run("cat", "--root", folder, "b");
    expect(out).toBe(
      "# /etc/systemd/system/a.service\n[Service]\nExecStart=/bin/a\n\n" +
        "# /etc/systemd/system/a.service.d/x.conf\n[Service]\nNice=1\n",
    );
    expect(code).toBe(0);
    expect(await run("cat", "--root", folder, "c")).toMatchObject({ code: 1 });
  });

  it("show cycles", async () => {
    await put("a.target", "[Unit]\nAfter=b.target\n");
    await put("b.target", "[Unit]\nAfter=a.target\nWants=c.target\n");
    await put("c.target", "[Unit]\n");
    const { out, code } = await run("graph", "--path", folder, "a.target");
    expect(out.split("\n")).toEqual([
      "a.target after b.target",
      "b.target wants c.target",
      "b.target after a.target",
      "cycle: a.target before b.target before a.target",
      "",
    ]);
    expect(code).toBe(1);
    expect((await run("graph", "--path", folder, "--fail-on=never")).code).toBe(0);
    expect((await run("graph", "--path", folder, "-o", "dot", "c")).out).toContain("digraph");
  });
});
