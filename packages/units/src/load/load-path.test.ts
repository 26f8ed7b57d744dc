import { describe, expect, it } from "vitest";
import { memoryFileSystem } from "./file-system.js";
import { folderNames } from "./search-path.js";
import { UnitStore } from "./unit-store.js";

const SERVICE = "[Service]\nExecStart=/bin/true %i\n";
const paths = ["/etc", "/lib"];

function store(files: Parameters<typeof memoryFileSystem>[0]): UnitStore {
  return new UnitStore({ fileSystem: memoryFileSystem(files), paths });
}

describe("folders of a unit", () => {
  it.each([
    ["foo-bar-waldo.service", ["foo-bar-waldo.service", "foo-bar-.service", "foo-.service"]],
    [
      "a-b@1.service",
      ["a-b@1.service", "a-b@.service", "a-@.service", "a-@1.service", "a-@.service"],
    ],
    ["-a.service", ["-a.service"]],
    ["a--.service", ["a--.service"]],
  ])("of %s", (name, expected) => {
    expect(folderNames(name)).toEqual(expected);
  });
});

describe("UnitStore", () => {
  it("takes the first folder that has a file", () => {
    const units = store({
      "/lib/a.service": SERVICE,
      "/etc/a.service": "[Service]\nExecStart=/bin/false\n",
    });
    const { path, unit } = units.load("a.service");
    expect(path).toBe("/etc/a.service");
    expect(unit?.service?.execStart[0]?.path).toBe("/bin/false");
    expect(units.load("b.service").state).toBe("not-found");
    expect(units.load("b.slice").state).toBe("loaded");
  });

  it("makes instances of templates, through aliases, too", () => {
    const units = store({
      "/lib/web@.service": SERVICE,
      "/etc/www@.service": { link: "/lib/web@.service" },
      "/lib/web@special.service": "[Service]\nExecStart=/bin/special\n",
    });
    expect(units.load("web@8.service").unit?.service?.execStart[0]?.argv).toEqual([
      "/bin/true",
      "8",
    ]);
    expect(units.load("www@8.service").name).toBe("web@8.service");
    expect(units.load("www@special.service").unit?.service?.execStart[0]?.path).toBe(
      "/bin/special",
    );
  });

  it("follows aliases and tells them", () => {
    const units = store({
      "/lib/sshd.service": SERVICE,
      "/etc/ssh.service": { link: "/lib/sshd.service" },
      "/etc/loop1.service": { link: "loop2.service" },
      "/etc/loop2.service": { link: "loop1.service" },
      "/etc/linked.service": { link: "/opt/far.service" },
      "/opt/far.service": SERVICE,
    });
    expect(units.load("ssh.service")).toMatchObject({ name: "sshd.service", state: "loaded" });
    expect(units.load("sshd.service").aliases).toEqual(["ssh.service"]);
    expect(units.load("loop1.service").state).toBe("not-found");
    expect(units.load("linked.service")).toMatchObject({ name: "linked.service", state: "loaded" });
  });

  it("knows masks: links to /dev/null and empty files", () => {
    const units = store({
      "/etc/a.service": { link: "/dev/null" },
      "/lib/a.service": SERVICE,
      "/etc/b.service": "",
    });
    expect(units.load("a.service").state).toBe("masked");
    expect(units.load("b.service").state).toBe("masked");
  });

  it("lays drop-ins over, by base name, the more specific first", () => {
    const units = store({
      "/lib/foo-bar.service": SERVICE,
      "/lib/service.d/10-all.conf": "[Service]\nNice=1\nRestart=always\n",
      "/lib/foo-.service.d/20-x.conf": "[Service]\nNice=2\n",
      "/lib/foo-bar.service.d/20-x.conf": "[Service]\nNice=3\n",
      "/etc/foo-bar.service.d/30-off.conf": { link: "/dev/null" },
      "/lib/foo-bar.service.d/30-off.conf": "[Service]\nNice=4\n",
      "/lib/foo-bar.service.d/note.txt": "[Service]\nNice=5\n",
    });
    const { unit, dropIns } = units.load("foo-bar.service");
    expect(dropIns.map(({ path }) => path)).toEqual([
      "/lib/service.d/10-all.conf",
      "/lib/foo-bar.service.d/20-x.conf",
    ]);
    expect(unit?.service).toMatchObject({ nice: 3, restart: "always" });
  });

  it("resets lists from a drop-in, and tells what is wrong in which file", () => {
    const units = store({
      "/lib/a.service": "[Service]\nExecStart=/bin/one\nNope=1\n",
      "/etc/a.service.d/x.conf": "[Service]\nExecStart=\nExecStart=/bin/two\nRestart=maybe\n",
    });
    const { unit, diagnostics } = units.load("a.service");
    expect(unit?.service?.execStart.map((one) => one.path)).toEqual(["/bin/two"]);
    expect(diagnostics.map(({ file, code, span }) => `${file}:${span.start.line} ${code}`)).toEqual(
      ["/lib/a.service:3 unknown-key", "/etc/a.service.d/x.conf:4 bad-value"],
    );
  });

  it("adds what .wants and .requires folders link to", () => {
    const units = store({
      "/lib/multi.target": "[Unit]\nWants=a.service\n",
      "/etc/multi.target.wants/b.service": { link: "/lib/b.service" },
      "/etc/multi.target.wants/c.service": { link: "/dev/null" },
      "/etc/multi.target.requires/d.service": { link: "/lib/d.service" },
      "/etc/multi.target.wants/README": "x",
    });
    const { unit } = units.load("multi.target");
    expect(unit?.unit.wants).toEqual(["a.service", "b.service"]);
    expect(unit?.unit.requires).toEqual(["d.service"]);
  });
});
