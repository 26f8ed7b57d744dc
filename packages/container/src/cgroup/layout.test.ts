import { expect, test } from "vitest";
import { cgroupName, parseLayout } from "./layout.js";

test("v2 alone, v1 alone, both, neither", () => {
  const v2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n";
  const v1 = "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n";
  const named = "cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\n";
  const beside = "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
  expect(parseLayout(v2)).toMatchObject({ mode: "v2", unified: "/sys/fs/cgroup", mounts: [] });
  expect(parseLayout(v1 + named).mode).toBe("v1");
  expect(parseLayout("proc /proc proc rw 0 0\n").mode).toBe("none");
  const hybrid = parseLayout(v1 + named + beside);
  expect(hybrid).toMatchObject({ mode: "hybrid", unified: "/sys/fs/cgroup/unified" });
  expect(hybrid.controllers.get("cpuacct")).toBe("/sys/fs/cgroup/cpu,cpuacct");
  expect(hybrid.mounts).toEqual(["/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/systemd"]);
});

test("a mount point with a space", () => {
  expect(parseLayout("x /a\\040b cgroup2 rw 0 0").unified).toBe("/a b");
});

test("names that a cgroup's own files have are escaped", () => {
  expect(cgroupName("web@1.service")).toBe("web@1.service");
  expect(cgroupName("cgroup.procs")).toBe("_cgroup.procs");
  expect(cgroupName("memory.service")).toBe("_memory.service");
  expect(cgroupName("tasks")).toBe("_tasks");
  expect(cgroupName("_x")).toBe("__x");
  expect(cgroupName("..")).toBe("_..");
  expect(cgroupName("a/b ü")).toBe("a\\x2fb\\x20\\xc3\\xbc");
});
