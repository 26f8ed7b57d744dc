import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readInRoot, resolveInRoot } from "./root.js";

test("links and dots of an image stay inside its root", async () => {
  const root = await mkdtemp(join(tmpdir(), "flotilla-root-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, "usr/etc"), { recursive: true });
  await writeFile(join(root, "usr/etc/passwd"), "inside");
  await symlink("/usr/etc", join(root, "etc"));
  await symlink("../../../../../../etc/hostname", join(root, "out"));
  await symlink("loop", join(root, "loop"));
  expect(await readInRoot(root, "/etc/passwd")).toBe("inside");
  expect(await resolveInRoot(root, "/etc/../../../usr")).toBe(join(root, "usr"));
  expect(await readInRoot(root, "/out")).toBe("");
  expect(await resolveInRoot(root, "/loop")).toBeUndefined();
});
