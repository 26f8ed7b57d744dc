import { describe, expect, it } from "vitest";
import { OneMember } from "./one-member.js";

const one = OneMember.forThisFile();

describe("dependencies on one machine", () => {
  const first = `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c '${one.waitForGate("first")}'
`;

  it("the dependent comes first, waits for its requirement, and stops with it", async () => {
    await one.launch(
      "second.service",
      `[Unit]
Requires=first.service
After=first.service
[Service]
ExecStart=/bin/sleep 1000
[X-Fleet]
MachineOf=first.service
`,
    );
    await one.launch("first.service", first);
    await one.untilSub("first.service", "activating (start)");
    await one.until("second.service", "loaded", ({ active }) => active === "inactive");
    one.openGate("first");
    const second = await one.untilSub("second.service", "active (running)");
    const [firstReport] = await one.member.api.status("first.service");
    expect(firstReport?.active).toBe("active");
    expect(second.changedAt).toBeGreaterThanOrEqual(firstReport?.changedAt ?? Infinity);
    await one.member.api.put("first.service", { desired: "loaded" });
    await one.untilSub("second.service", "inactive (dead)");
  });

  it("a unit that came before what it requires starts once that is there", async () => {
    await one.launch(
      "early.service",
      `[Unit]
Requires=late.service
After=late.service
[Service]
ExecStart=/bin/sleep 1000
`,
    );
    await one.until("early.service", "refused", ({ journal }) =>
      journal.some(({ message }) => message.includes("late.service")),
    );
    await one.launch(
      "late.service",
      "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[X-Fleet]\nMachineOf=early.service\n",
    );
    await one.untilSub("late.service", "active (exited)");
    await one.untilSub("early.service", "active (running)");
  });
});
