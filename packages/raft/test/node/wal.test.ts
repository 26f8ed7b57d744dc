import { describe, expect, it } from "vitest";
import { type Entry, EntryType } from "../../src/index.js";
import {
  MemoryDisk,
  NodeDisk,
  Wal,
  type WalContent,
  type WalOptions,
} from "../../src/node/index.js";
import { generator, temporaryFolder, until } from "./helpers.js";

const FIRST = "log/0000000000000001.wal";

function entry(index: number, term = 1, size = 20): Entry {
  const data = new Uint8Array(size).fill(index & 255);
  return { index, term, type: EntryType.Normal, data };
}

function settings(disk: MemoryDisk, more: Partial<WalOptions> = {}): WalOptions {
  return { disk, directory: "log", clusterId: "c", id: 1, segmentBytes: 4096, ...more };
}

/** Opens, and closes again: what a restart would find. */
async function reopen(disk: MemoryDisk, more: Partial<WalOptions> = {}): Promise<WalContent> {
  const { wal, content } = await Wal.open(settings(disk, more));
  await wal.close();
  return content;
}

function indexes(content: WalContent): number[] {
  return content.entries.map(({ index }) => index);
}

/** A small log of single-entry batches; also gives the offsets at which each batch ends. */
async function recorded(batches: number): Promise<{ disk: MemoryDisk; ends: number[] }> {
  const disk = new MemoryDisk();
  const { wal } = await Wal.open(settings(disk));
  const ends = [lastNonZero(disk.content(FIRST))];
  for (let index = 1; index <= batches; index++) {
    const hardState = { term: 1, vote: 1, commit: index - 1 };
    await wal.append({ entries: [entry(index)], hardState, sync: true });
    ends.push(lastNonZero(disk.content(FIRST)));
  }
  await wal.close();
  return { disk, ends };
}

/** Where the last commit record ends; its last bytes are zeros, as the top of a small number. */
function lastNonZero(bytes: Uint8Array): number {
  let at = bytes.length;
  while (at > 0 && bytes[at - 1] === 0) at--;
  return Math.ceil(at / 8) * 8;
}

describe("the write-ahead log", () => {
  it("gives back what was written, after a power loss at any time between", async () => {
    const disk = new MemoryDisk();
    const { wal, content } = await Wal.open(settings(disk));
    expect(content.fresh).toBe(true);
    const hardState = { term: 3, vote: 2, commit: 1 };
    await wal.append({ entries: [entry(1), entry(2, 2), entry(3, 3)], hardState, sync: true });
    await wal.append({ entries: [entry(2, 4, 1000)], sync: true });
    disk.crash();
    const found = await reopen(disk);
    expect(found.hardState).toEqual(hardState);
    expect(found.entries).toEqual([entry(1), entry(2, 4, 1000)]);
  });

  it("acknowledges nothing before the fsync, and batches what comes meanwhile", async () => {
    const disk = new MemoryDisk();
    const { wal } = await Wal.open(settings(disk));
    let release = (): void => {};
    let syncs = 0;
    disk.faults.beforeSync = (path) => {
      if (path.endsWith("spare.tmp")) return;
      syncs++;
      return new Promise((resolve) => {
        release = resolve;
      });
    };
    const done: number[] = [];
    const append = (index: number): void => {
      void wal.append({ entries: [entry(index)], sync: true }).then(() => done.push(index));
    };
    append(1);
    await until("a sync runs", () => syncs === 1);
    for (let index = 2; index <= 40; index++) append(index);
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toEqual([]);
    release();
    await until("the next sync runs", () => syncs === 2);
    expect(done).toEqual([1]);
    release();
    await until("all are durable", () => done.length === 40);
    expect(syncs).toBe(2);
    disk.faults.beforeSync = () => {};
    await wal.close();
  });

  it("repairs a tail torn at any byte of the last batch, and goes on from there", async () => {
    const { disk, ends } = await recorded(4);
    const whole = disk.content(FIRST);
    const [from, to] = [ends[3]!, ends[4]!];
    for (let cut = from; cut < to; cut++) {
      const torn = Uint8Array.from(whole);
      torn.fill(0, cut);
      disk.overwrite(FIRST, torn);
      // The last bytes of a batch may be zeros, and then nothing is missing.
      const expected = Buffer.compare(torn, whole) === 0 ? [1, 2, 3, 4] : [1, 2, 3];
      const { wal, content } = await Wal.open(settings(disk));
      expect(indexes(content), `cut at ${cut - from} of ${to - from}`).toEqual(expected);
      const next = content.entries.length + 1;
      await wal.append({ entries: [entry(next, 9)], sync: true });
      await wal.close();
      expect((await reopen(disk)).entries.at(-1)).toEqual(entry(next, 9));
    }
  });

  it("zeroes what a torn batch left behind", async () => {
    const { disk, ends } = await recorded(2);
    const bytes = disk.content(FIRST);
    bytes.fill(0, ends[1]! + 8, ends[1]! + 16);
    bytes.fill(0, ends[2]! - 32);
    bytes.fill(7, ends[2]! + 100, ends[2]! + 200);
    disk.overwrite(FIRST, bytes);
    expect(indexes(await reopen(disk))).toEqual([1]);
    expect(
      disk
        .content(FIRST)
        .subarray(ends[1]!)
        .every((byte) => byte === 0),
    ).toBe(true);
  });

  it("refuses a log with any byte damaged before the last batch, and names the place", async () => {
    const { disk, ends } = await recorded(3);
    const whole = disk.content(FIRST);
    for (let at = 0; at < ends[2]!; at++) {
      const damaged = Uint8Array.from(whole);
      damaged[at] = damaged[at]! ^ 0x10;
      disk.overwrite(FIRST, damaged);
      const error = await reopen(disk).then(
        (content) => content,
        (thrown: unknown) => thrown,
      );
      // Padding bytes belong to no frame's checksum and to nobody's data.
      if (!(error instanceof Error)) {
        expect((error as WalContent).entries, `byte ${at}`).toEqual([entry(1), entry(2), entry(3)]);
        continue;
      }
      expect(error).toMatchObject({ code: "corrupt" });
      expect(error.message).toMatch(/0000000000000001\.wal.*offset \d+/);
      expect(Buffer.compare(disk.content(FIRST), damaged)).toBe(0);
    }
  });

  it("never gives wrong entries when a crash keeps any of the unsynced sectors", async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = generator(seed);
      const disk = new MemoryDisk();
      const { wal } = await Wal.open(settings(disk, { segmentBytes: 64 * 1024 }));
      await wal.append({ entries: [entry(1), entry(2)], sync: true });
      disk.faults.beforeSync = () => new Promise(() => {});
      const size = Math.floor(random() * 3000);
      void wal.append({ entries: [entry(3, 1, size), entry(4, 1, size)], sync: true });
      await new Promise((resolve) => setImmediate(resolve));
      disk.crash({ keepSector: () => random() < 0.7 });
      disk.faults.beforeSync = () => {};
      try {
        const { entries } = await reopen(disk);
        const all = [entry(1), entry(2), entry(3, 1, size), entry(4, 1, size)];
        expect(entries, `seed ${seed}`).toEqual(entries.length === 4 ? all : all.slice(0, 2));
      } catch (error) {
        expect(error, `seed ${seed}`).toMatchObject({ code: "corrupt" });
      }
    }
  });

  it("goes on over short writes", async () => {
    const disk = new MemoryDisk();
    disk.faults.maxWriteBytes = 7;
    const { wal } = await Wal.open(settings(disk));
    await wal.append({ entries: [entry(1), entry(2, 1, 500)], sync: true });
    await wal.close();
    expect((await reopen(disk)).entries).toEqual([entry(1), entry(2, 1, 500)]);
  });

  it("is poisoned by a failed fsync, and by a failed write", async () => {
    for (const fault of ["failSyncs", "failWrites"] as const) {
      const disk = new MemoryDisk();
      const { wal } = await Wal.open(settings(disk));
      await wal.append({ entries: [entry(1)], sync: true });
      await until("the spare is there", () => disk.used() === 8192);
      disk.faults[fault] = 1;
      const append = (): Promise<void> => wal.append({ entries: [entry(2)], sync: true });
      await expect(append()).rejects.toMatchObject({ code: "storage-failed" });
      // Trying again must not succeed: the kernel may call the lost pages clean.
      await expect(append()).rejects.toMatchObject({ code: "storage-failed" });
      await wal.close();
      disk.crash();
      expect(indexes(await reopen(disk))).toEqual([1]);
    }
  });

  it("tells of a full disk before it has to wait, loses nothing, and goes on when there is room", async () => {
    const disk = new MemoryDisk();
    const told: boolean[] = [];
    const more = { onDiskFull: (full: boolean) => told.push(full), diskFullRetryMs: 5 };
    const { wal } = await Wal.open(settings(disk, more));
    await wal.append({ entries: [entry(1)], sync: true });
    await until("the spare is there", () => disk.used() === 8192);
    disk.faults.capacity = disk.used();
    let index = 2;
    let durable = 1;
    while (index < 20) {
      const at = index++;
      void wal.append({ entries: [entry(at, 1, 1000)], sync: true }).then(() => {
        durable = at;
      });
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(told).toEqual([true]);
    expect(durable).toBeGreaterThan(4);
    expect(durable).toBeLessThan(19);
    disk.crash();
    const content = await Wal.open(settings(disk)).then(async ({ wal: again, content }) => {
      await again.close();
      return content;
    });
    expect(content.entries.at(-1)!.index).toBe(durable);
  });

  it("takes up again by itself once there is room", async () => {
    const disk = new MemoryDisk();
    const told: boolean[] = [];
    const more = { onDiskFull: (full: boolean) => told.push(full), diskFullRetryMs: 5 };
    const { wal } = await Wal.open(settings(disk, more));
    await until("the spare is there", () => disk.used() === 8192);
    disk.faults.capacity = disk.used();
    const appended = Array.from({ length: 12 }, (_, at) =>
      wal.append({ entries: [entry(at + 1, 1, 1000)], sync: true }),
    );
    await until("it is full", () => told.length === 1);
    disk.faults.capacity = Number.POSITIVE_INFINITY;
    await Promise.all(appended);
    await until("it says so", () => told.length === 2);
    expect(told).toEqual([true, false]);
    await wal.close();
    expect((await reopen(disk)).entries).toHaveLength(12);
  });

  it("goes through many segments, gives up the old, and keeps what is needed", async () => {
    const disk = new MemoryDisk();
    const { wal } = await Wal.open(settings(disk));
    for (let index = 1; index <= 50; index++) {
      await wal.append({
        entries: [entry(index, 1, 500)],
        hardState: { term: 1, vote: 3, commit: index },
        sync: true,
      });
      if (index === 30) await wal.append({ snapshot: { index: 30, term: 1 }, sync: true });
    }
    await wal.release(30);
    await wal.close();
    const content = await reopen(disk);
    expect(content.base).toBeGreaterThan(10);
    expect(content.base).toBeLessThanOrEqual(30);
    expect(content.entries.at(-1)).toEqual(entry(50, 1, 500));
    expect(content.snapshots).toEqual([{ index: 30, term: 1 }]);
    expect(content.hardState).toEqual({ term: 1, vote: 3, commit: 50 });
  });

  it("takes a batch that is larger than a segment", async () => {
    const disk = new MemoryDisk();
    const { wal } = await Wal.open(settings(disk));
    await wal.append({ entries: [entry(1, 1, 50_000)], sync: true });
    await wal.append({ entries: [entry(2)], sync: true });
    await wal.close();
    expect((await reopen(disk)).entries).toEqual([entry(1, 1, 50_000), entry(2)]);
  });

  it("restarts at a snapshot that the leader sent", async () => {
    const disk = new MemoryDisk();
    const { wal } = await Wal.open(settings(disk));
    await wal.append({ entries: [entry(1), entry(2)], sync: true });
    await wal.append({
      snapshot: { index: 100, term: 5 },
      restart: true,
      entries: [entry(101, 5)],
      hardState: { term: 5, vote: 0, commit: 100 },
      sync: true,
    });
    await wal.append({ entries: [entry(102, 5)], sync: true });
    await wal.close();
    const content = await reopen(disk);
    expect(content.base).toBe(100);
    expect(indexes(content)).toEqual([101, 102]);
  });

  it("goes on in a new segment right after a snapshot that ended the log earlier", async () => {
    const disk = new MemoryDisk();
    const { wal } = await Wal.open(settings(disk));
    const entries = Array.from({ length: 12 }, (_, at) => entry(at + 1));
    await wal.append({ entries, sync: true });
    // Entries 11 and 12 were never committed: the leader's log is another from before 10 on.
    await wal.append({ snapshot: { index: 10, term: 5 }, restart: true, sync: true });
    await wal.append({ entries: [entry(11, 5, 50_000)], sync: true });
    await wal.close();
    const content = await reopen(disk);
    expect(content.base).toBe(10);
    expect(content.entries).toEqual([entry(11, 5, 50_000)]);
  });

  it("restarts at a snapshot that lies before all that is left of a deposed leader's entries", async () => {
    const disk = new MemoryDisk();
    const { wal } = await Wal.open(settings(disk));
    const add = async (from: number, to: number, term: number): Promise<void> => {
      for (let index = from; index <= to; index++) {
        await wal.append({ entries: [entry(index, term, 300)], sync: true });
      }
    };
    // Nobody else ever had those after 64; the group went on without them.
    await add(1, 134, 2);
    await wal.append({ snapshot: { index: 65, term: 3 }, restart: true, sync: true });
    // The next segment begins right after it.
    await wal.append({ entries: [entry(66, 3, 50_000)], sync: true });
    await add(67, 140, 3);
    await wal.append({ snapshot: { index: 106, term: 3 }, sync: true });
    await wal.append({ snapshot: { index: 126, term: 3 }, sync: true });
    await wal.release(106);
    await wal.close();
    const content = await reopen(disk);
    expect(content.base).toBe(65);
    expect(indexes(content)).toEqual(Array.from({ length: 75 }, (_, at) => 66 + at));
    expect(content.entries.every(({ term }) => term === 3)).toBe(true);
  });

  it("gives up no segment between others when a later one ends at a lower index", async () => {
    const disk = new MemoryDisk();
    const { wal } = await Wal.open(settings(disk));
    const append = (index: number, term: number, size: number): Promise<void> =>
      wal.append({ entries: [entry(index, term, size)], sync: true });
    for (let index = 1; index <= 20; index++) await append(index, 1, 20);
    // A new leader replaces 10 to 20 by fewer and larger ones.
    for (let index = 10; index <= 17; index++) await append(index, 2, 3_000);
    await wal.append({ snapshot: { index: 15, term: 2 }, sync: true });
    await wal.release(15);
    await wal.close();
    const content = await reopen(disk);
    expect(content.base).toBeLessThanOrEqual(15);
    expect(content.entries.at(-1)).toEqual(entry(17, 2, 3_000));
  });

  it("writes a moved commit index with the next batch, without a sync of its own", async () => {
    const disk = new MemoryDisk();
    const { wal } = await Wal.open(settings(disk));
    await wal.append({
      entries: [entry(1)],
      hardState: { term: 1, vote: 0, commit: 0 },
      sync: true,
    });
    let syncs = 0;
    disk.faults.beforeSync = () => void syncs++;
    await wal.append({ hardState: { term: 1, vote: 0, commit: 1 }, sync: false });
    expect(syncs).toBe(0);
    await wal.append({ entries: [entry(2)], sync: true });
    await wal.close();
    expect((await reopen(disk)).hardState.commit).toBe(1);
  });

  it("refuses another cluster's or member's log, and one with a segment missing", async () => {
    const { disk } = await recorded(1);
    await expect(reopen(disk, { clusterId: "d" })).rejects.toMatchObject({ code: "wrong-cluster" });
    await expect(reopen(disk, { id: 2 })).rejects.toThrow(/belongs to member 1 of cluster "c"/);
    const { wal } = await Wal.open(settings(disk));
    for (let index = 2; index <= 30; index++) {
      await wal.append({ entries: [entry(index, 1, 500)], sync: true });
    }
    await wal.close();
    await disk.remove("log/0000000000000002.wal");
    await expect(reopen(disk)).rejects.toMatchObject({ code: "corrupt" });
  });

  it("works on the real disk", async () => {
    await using folder = await temporaryFolder();
    const options = { ...settings(new MemoryDisk()), disk: new NodeDisk(), directory: folder.path };
    const { wal } = await Wal.open(options);
    await Promise.all(
      Array.from({ length: 100 }, (_, at) =>
        wal.append({ entries: [entry(at + 1, 1, 300)], sync: true }),
      ),
    );
    await wal.release(40);
    await wal.close();
    const { wal: again, content } = await Wal.open(options);
    expect(content.base + content.entries.length).toBe(100);
    expect(content.entries.at(-1)).toEqual(entry(100, 1, 300));
    await again.close();
  });
});
