import { appendFile, chmod, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "../src/clock.js";
import type { JournalEntry } from "../src/index.js";
import { Journal } from "../src/journal/journal.js";
import { collect, temporaryDirectory } from "./support/harness.js";

const UNIT = "a.service";
const LIMITS = { segmentBytesMax: 8192, segmentsMax: 2 };

async function openJournal(directory: string, limits = LIMITS): Promise<Journal> {
  const journal = new Journal(directory, limits, systemClock);
  await journal.open(UNIT);
  return journal;
}

function say(journal: Journal, message: string): void {
  journal.append(UNIT, { source: "stdout", identifier: "sh", pid: 7, message });
}

const numbers = (entries: readonly JournalEntry[]) => entries.map(({ message }) => message);

describe("journal", () => {
  it("gives back entries as they were, with growing cursors, after reopening too", async () => {
    const directory = await temporaryDirectory();
    const before = Date.now();
    const journal = await openJournal(directory);
    say(journal, 'tab\t "quotes" \u2028 \n two lines');
    await journal.closeAll();
    const again = await openJournal(directory);
    say(again, "second");
    const entries = await collect(again.read(UNIT));
    await again.closeAll();
    expect(entries[0]).toEqual({
      cursor: 1,
      timestamp: entries[0]?.timestamp,
      unit: UNIT,
      source: "stdout",
      identifier: "sh",
      pid: 7,
      message: 'tab\t "quotes" \u2028 \n two lines',
    });
    expect(entries[0]?.timestamp).toBeGreaterThanOrEqual(before);
    expect(entries[1]).toMatchObject({ cursor: 2, message: "second" });
  });

  it("reads the last lines, those after a cursor, those since a time", async () => {
    const directory = await temporaryDirectory();
    const journal = await openJournal(directory, { segmentBytesMax: 1000, segmentsMax: 50 });
    for (let i = 1; i <= 500; i += 1) {
      say(journal, `${i}`);
      if (i % 50 === 0) await collect(journal.read(UNIT, { lines: 1 }));
    }
    expect((await readdir(join(directory, UNIT))).length).toBeGreaterThan(5);
    const read = async (options: object) => numbers(await collect(journal.read(UNIT, options)));
    expect(await read({})).toHaveLength(500);
    expect(await read({ lines: 3 })).toEqual(["498", "499", "500"]);
    expect(await read({ lines: 0 })).toEqual([]);
    expect(await read({ lines: 1000 })).toHaveLength(500);
    expect(await read({ afterCursor: 498 })).toEqual(["499", "500"]);
    expect(await read({ afterCursor: 10, lines: 2 })).toEqual(["499", "500"]);
    expect(await read({ afterCursor: 500 })).toEqual([]);
    expect(await read({ sinceMs: Date.now() + 1000 })).toEqual([]);
    expect(await read({ sinceMs: 0 })).toHaveLength(500);
    await journal.closeAll();
  });

  it("keeps no more than its segments", async () => {
    const directory = await temporaryDirectory();
    const journal = await openJournal(directory);
    for (let i = 1; i <= 2000; i += 1) {
      say(journal, `${i} ${"x".repeat(50)}`);
      if (i % 20 === 0) await collect(journal.read(UNIT, { lines: 1 }));
    }
    const entries = await collect(journal.read(UNIT));
    await journal.closeAll();
    expect(await readdir(join(directory, UNIT))).toHaveLength(2);
    expect(entries.at(-1)?.cursor).toBe(2000);
    expect(entries[0]?.cursor).toBeGreaterThan(1700);
    expect(entries.map(({ cursor }) => cursor)).toEqual(
      Array.from({ length: entries.length }, (_, i) => 2000 - entries.length + 1 + i),
    );
  });

  it("is followed over rotation until the signal aborts, from a cursor", async () => {
    const directory = await temporaryDirectory();
    const journal = await openJournal(directory, { segmentBytesMax: 500, segmentsMax: 1000 });
    for (let i = 1; i <= 10; i += 1) say(journal, `${i}`);
    const stop = new AbortController();
    const seen: string[] = [];
    let next = 11;
    for await (const { message } of journal.read(UNIT, {
      afterCursor: 7,
      follow: true,
      signal: stop.signal,
    })) {
      seen.push(message);
      if (next <= 200) say(journal, `${next++}`);
      if (message === "200") stop.abort();
    }
    expect(seen).toEqual(Array.from({ length: 193 }, (_, i) => `${i + 8}`));
    await journal.closeAll();
  });

  it("ends a follower when it is closed", async () => {
    const journal = await openJournal(await temporaryDirectory());
    const all = collect(journal.read(UNIT, { follow: true }));
    say(journal, "last");
    await journal.closeAll();
    expect(numbers(await all)).toEqual(["last"]);
  });

  it("mends a torn last line and skips a damaged one", async () => {
    const directory = await temporaryDirectory();
    const first = await openJournal(directory);
    say(first, "whole");
    await first.closeAll();
    const [name] = await readdir(join(directory, UNIT));
    const path = join(directory, UNIT, name ?? "");
    await appendFile(path, `garbage\n[2,17000,0,7,"sh","torn ${"x".repeat(500)}`);
    const again = await openJournal(directory);
    say(again, "after");
    expect(numbers(await collect(again.read(UNIT)))).toEqual(["whole", "after"]);
    expect(numbers(await collect(again.read(UNIT, { lines: 2 })))).toEqual(["whole", "after"]);
    await again.closeAll();
    expect(await readFile(path, "utf8")).not.toContain("xxx");
  });

  it("loses entries while the disk does not take them, and says how many", async () => {
    const directory = await temporaryDirectory();
    const journal = await openJournal(directory);
    // A file where the folder should be: every write fails, as on a full disk.
    await writeFile(join(directory, UNIT), "");
    for (let i = 1; i <= 5; i += 1) say(journal, `lost ${i}`);
    await expect(collect(journal.read(UNIT))).rejects.toThrow("ENOTDIR");
    await rm(join(directory, UNIT));
    say(journal, "back");
    const messages = numbers(await collect(journal.read(UNIT)));
    await journal.closeAll();
    expect(messages).toEqual(["5 journal entries were lost: they could not be written.", "back"]);
  });

  it("removes the oldest journals of units that are not open", async () => {
    const directory = await temporaryDirectory();
    for (const name of ["x.service", "y.service", "z.service"]) {
      await mkdir(join(directory, name));
    }
    const journal = await openJournal(directory);
    say(journal, "mine");
    await collect(journal.read(UNIT));
    await chmod(join(directory, "z.service"), 0o755);
    await journal.removeOldest(1);
    expect((await readdir(directory)).length).toBe(2);
    expect((await stat(join(directory, UNIT))).isDirectory()).toBe(true);
    await journal.closeAll();
  });
});
