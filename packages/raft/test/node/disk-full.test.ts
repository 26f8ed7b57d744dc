import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { EntryType } from "../../src/index.js";
import { NodeDisk, Wal } from "../../src/node/index.js";
import { temporaryFolder, until } from "./helpers.js";

/** A file system of a few MiB; null where one may not be mounted (it takes root). */
function mountSmall(path: string): (() => void) | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return null;
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", path], { stdio: "ignore" });
  } catch {
    return null;
  }
  return () => execFileSync("umount", ["-l", path]);
}

describe("a full file system", () => {
  it("is told before there is no room for what was accepted; nothing acknowledged is lost", async (test) => {
    await using folder = await temporaryFolder();
    const unmount = mountSmall(folder.path);
    if (!unmount) return test.skip("mounting a small tmpfs takes root");
    try {
      const told: boolean[] = [];
      const disk = new NodeDisk();
      const settings = {
        disk,
        directory: `${folder.path}/log`,
        clusterId: "c",
        id: 1,
        segmentBytes: 1024 * 1024,
        diskFullRetryMs: 5,
        onDiskFull: (full: boolean) => void told.push(full),
      };
      const { wal } = await Wal.open(settings);
      const data = new Uint8Array(50_000).fill(7);
      let index = 0;
      const append = async (): Promise<void> => {
        const entry = { index: ++index, term: 1, type: EntryType.Normal, data };
        await wal.append({ entries: [entry], sync: true });
      };
      await append();
      while (!told.includes(true)) await append();
      // The spare takes what was accepted when it was told, and what comes still until it is full.
      const acknowledged = index;
      await append();
      expect(acknowledged).toBeGreaterThan(60);
      const waiting = Array.from({ length: 30 }, () => append());
      await wal.release(acknowledged - 20);
      await until("there is room again", () => told.at(-1) === false);
      await Promise.all(waiting);
      await wal.close();
      const again = await Wal.open(settings);
      await again.wal.close();
      expect(again.content.base + again.content.entries.length).toBe(index);
    } finally {
      unmount();
    }
  });
});
