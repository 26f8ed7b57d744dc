import { describe, expect, it } from "vitest";
import { waitFor } from "../../src/index.js";
import { busyboxRoot, containers, listContainers } from "./containers.js";
import { OneMember } from "./one-member.js";
import { isAlive, processesWith } from "./processes.js";

const one = OneMember.forThisFile();

describe("the end of flotillad", () => {
  const MARK = `MARK=end-${process.pid}`;
  const unit = (more = ""): string => `[Service]
Environment=${MARK}
${more}ExecStart=/bin/sh -c 'trap "" HUP; setsid sh -c "setsid sleep 1000 & exit 0" & wait; echo started; exec sleep 1000'
`;

  it("SIGKILL leaves no process and no container; a restart runs each unit once", async () => {
    await one.launch("plain.service", unit());
    await one.untilWritten("plain.service", "started");
    if (containers) {
      const root = busyboxRoot(one.directory);
      await one.launch(
        "contained.service",
        `[Service]
Environment=${MARK}
RootDirectory=${root}
ExecStart=/bin/sh -c 'sleep 1000 & echo started; wait'
`,
      );
      await one.untilWritten("contained.service", "started");
    }
    const pids = processesWith(MARK);
    expect(pids).toHaveLength(containers ? 4 : 2);
    await one.member.kill();
    await waitFor("the units' processes to be gone", () => processesWith(MARK).length === 0);
    expect(pids.filter(isAlive)).toEqual([]);
    if (containers) {
      expect(
        listContainers(one.member.directory).filter(({ status }) => status === "running"),
      ).toEqual([]);
    }
    const before = (await journalAfterRestart("plain.service")).filter(
      (line) => line === "started",
    );
    expect(before.length).toBeGreaterThanOrEqual(1);
    await waitFor("each unit to run once more", async () => {
      const plain = await one.written("plain.service");
      return plain.filter((line) => line === "started").length === 2;
    });
    if (!containers) return;
    await waitFor("the container to run again", async () => {
      const lines = await one.written("contained.service");
      return lines.filter((line) => line === "started").length === 2;
    });
    expect(listContainers(one.member.directory)).toMatchObject([{ status: "running" }]);
    expect(processesWith(MARK)).toHaveLength(4);
  });

  async function journalAfterRestart(name: string): Promise<string[]> {
    one.member.start();
    await one.member.ready();
    return waitFor("the journal", () => one.written(name));
  }

  it("SIGTERM drains: ExecStop runs, exit code 0, the journal is whole afterwards", async () => {
    await one.launch("drained.service", unit("ExecStop=/bin/sh -c 'sleep 0.3; echo stopping'\n"));
    await one.untilWritten("drained.service", "started");
    const exit = await one.member.stop();
    expect(exit).toEqual({ code: 0, signal: null });
    expect(processesWith(MARK)).toEqual([]);
    const lines = await journalAfterRestart("drained.service");
    expect(lines.slice(0, 2)).toEqual(["started", "stopping"]);
    await one.untilSub("drained.service", "active (running)");
  });
});
