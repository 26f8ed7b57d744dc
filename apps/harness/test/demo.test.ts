import { expect, it } from "vitest";
import { REPOSITORY } from "../src/cluster/executables.js";
import { run } from "./run.js";

/** The main job as a person starts it, on an already built checkout. */
it("npm start -- --demo-failover runs the main job from start to stop", async () => {
  const { code, stdout, stderr } = await run(
    "npm",
    ["--prefix", REPOSITORY, "start", "--", "--demo-failover"],
    { timeoutMs: 150_000 },
  );
  expect(code, stdout + stderr).toBe(0);
  expect(stdout).toMatch(/web@1\.service moved from n\d to n\d and answers again: [\d.]+ s/);
  expect(stdout).toContain("stopping the members");
}, 180_000);
