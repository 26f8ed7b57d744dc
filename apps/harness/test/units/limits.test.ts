import { describe, expect, it } from "vitest";
import { waitFor } from "../../src/index.js";
import { limits } from "./abilities.js";
import { OneMember } from "./one-member.js";

const one = OneMember.forThisFile();

describe.skipIf(!limits)("limits", () => {
  it("MemoryMax: the kernel kills, and the status says so", async () => {
    await one.launch(
      "memory.service",
      `[Service]
MemoryMax=32M
ExecStart=/usr/bin/perl -e 'my $$x = "x" x (256 << 20); sleep 1000'
`,
    );
    const report = await one.untilSub("memory.service", "failed (failed)");
    expect(report).toMatchObject({ result: "oom-kill", exitSignal: "SIGKILL" });
  });

  it("TasksMax: the fifth fork fails", async () => {
    const script =
      '$| = 1; my $n = 0; for (1..20) { my $p = fork; last unless defined $p; sleep 1000 unless $p; $n++ } print "forked $n\\\\n"; sleep 1000';
    await one.launch(
      "tasks.service",
      `[Service]\nTasksMax=5\nExecStart=/usr/bin/perl -e '${script.replaceAll("$", "$$$$")}'\n`,
    );
    await one.untilWritten("tasks.service", "forked 4");
    const [report] = await one.member.api.status("tasks.service");
    expect(report?.tasks).toBe(5);
  });

  it("CPUQuota: a busy loop gets about its share", async () => {
    await one.launch(
      "busy.service",
      "[Service]\nCPUQuota=20%\nExecStart=/usr/bin/perl -e '1 while 1'\n",
    );
    const cpuAt = async (): Promise<{ cpu: number; at: number }> => {
      const { cpuUsec = 0 } = await one.untilSub("busy.service", "active (running)");
      return { cpu: cpuUsec, at: performance.now() };
    };
    const before = await cpuAt();
    // Long enough for twenty periods of the quota.
    const after = await waitFor("two seconds of it", async () => {
      const now = await cpuAt();
      return now.at - before.at > 2_000 && now;
    });
    const share = (after.cpu - before.cpu) / 1_000 / (after.at - before.at);
    expect(share).toBeGreaterThan(0.01);
    expect(share).toBeLessThan(0.3);
  });
});
