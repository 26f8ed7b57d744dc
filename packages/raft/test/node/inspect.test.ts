import { describe, expect, it } from "vitest";
import {
  inspectFolder,
  MemoryDisk,
  NodeDisk,
  SnapshotStore,
  verifyFolder,
  Wal,
} from "../../src/node/index.js";
import { temporaryFolder } from "./helpers.js";
import { IDENTITY, recordFolder } from "./recorded-folder.js";

async function recorded(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await recordFolder(disk, "data");
  return disk;
}

/** All files' bytes, to see that nothing changes. */
function contents(disk: MemoryDisk): string {
  return disk
    .paths()
    .map((path) => Buffer.from(disk.content(path)).toString("base64"))
    .join();
}

function flip(disk: MemoryDisk, path: string, offset: number): void {
  const bytes = disk.content(path);
  bytes[offset]! ^= 0x10;
  disk.overwrite(path, bytes);
}

/** Where batches begin that hold an entry. */
function batches(disk: MemoryDisk, path: string): number[] {
  const bytes = disk.content(path);
  const sectors = Array.from({ length: bytes.length / 512 }, (_, at) => at * 512);
  return sectors.filter((at) => bytes[at + 8] === 2 && bytes[at + 12] === bytes[12]);
}

function segments(disk: MemoryDisk): string[] {
  return disk.paths().filter((path) => path.endsWith(".wal"));
}

function snapshots(disk: MemoryDisk): string[] {
  return disk.paths().filter((path) => path.endsWith(".snap"));
}

describe("inspectFolder", () => {
  it("tells what a folder holds, and changes nothing", async () => {
    const disk = await recorded();
    const before = contents(disk);
    const report = await inspectFolder("data", { disk });
    expect(contents(disk)).toBe(before);
    expect(report).toMatchObject({
      directory: "data",
      inUse: false,
      clusterId: "recorded",
      id: 1,
      hardState: { term: 2, vote: 1, commit: 58 },
      lastIndex: 60,
      lastTerm: 2,
      incoming: [],
      damages: [],
    });
    expect(report.base).toBeGreaterThan(3);
    expect(report.base).toBeLessThanOrEqual(20);
    expect(report.entries[0]!.index).toBe(report.base + 1);
    expect(report.snapshots.map(({ index, whole, marked }) => [index, whole, marked])).toEqual([
      [40, true, true],
      [20, true, true],
    ]);
    expect(report.snapshots[0]!.members.map(({ address }) => address)).toContain("host-3:2380");
    expect(report.membership.confState.voters).toEqual([1, 2, 3]);
    expect(report.membership.members).toHaveLength(3);
    expect(report.segments.length).toBeGreaterThan(2);
    expect(report.segments.at(-1)!.lastIndex).toBe(60);
    for (const [at, segment] of report.segments.entries()) {
      expect(segment.used).toBeGreaterThan(0);
      expect(segment.used).toBeLessThanOrEqual(segment.bytes);
      expect(segment.frames).toBeGreaterThan(segment.batches);
      if (at > 0) expect(segment.firstIndex).toBe(report.segments[at - 1]!.lastIndex + 1);
    }
  });

  it("finds the folder in a data directory, and refuses others", async () => {
    await using folder = await temporaryFolder();
    const disk = new NodeDisk();
    await expect(inspectFolder(folder.path)).rejects.toMatchObject({ code: "invalid-config" });
    await expect(inspectFolder(`${folder.path}/none`)).rejects.toMatchObject({
      code: "invalid-config",
    });
    await recordFolder(disk, `${folder.path}/store`);
    await disk.makeDirectory(`${folder.path}/units`);
    const report = await inspectFolder(`${folder.path}/`);
    expect(report.directory).toBe(`${folder.path}/store`);
    expect(report.lastIndex).toBe(60);
    expect((await inspectFolder(`${folder.path}/store`)).lastIndex).toBe(60);
    await recordFolder(disk, `${folder.path}/other`);
    await expect(inspectFolder(folder.path)).rejects.toThrow(/several/);
  });

  it.skipIf(process.platform !== "linux")(
    "says so while a member has it, and does not verify it",
    async () => {
      await using folder = await temporaryFolder();
      const disk = new NodeDisk();
      await recordFolder(disk, folder.path);
      const unlock = await disk.lock(folder.path);
      expect((await inspectFolder(folder.path)).inUse).toBe(true);
      await expect(verifyFolder(folder.path)).rejects.toMatchObject({ code: "storage-failed" });
      await unlock();
      expect((await verifyFolder(folder.path)).inUse).toBe(false);
    },
  );

  it("shows a snapshot that was coming in", async () => {
    const disk = await recorded();
    const store = await SnapshotStore.open(disk, "data/snapshots", "recorded");
    const broken = (async function* () {
      yield new Uint8Array(100).fill(1, 0, 2);
      throw new Error("the line broke");
    })();
    await expect(store.receive({ index: 90, term: 3 }, broken)).rejects.toThrow("the line broke");
    const { incoming, damages } = await inspectFolder("data", { disk });
    expect(incoming).toMatchObject([{ index: 90, term: 3, bytes: 100 }]);
    expect(damages).toEqual([]);
  });
});

describe("verifyFolder", () => {
  it("names each damage with its place, and goes on after it", async () => {
    const disk = await recorded();
    const whole = await inspectFolder("data", { disk });
    const [first, second] = segments(disk);
    const places = [
      [first!, batches(disk, first!)[1]!],
      [second!, batches(disk, second!)[0]!],
      [second!, batches(disk, second!)[2]!],
    ] as const;
    for (const [path, offset] of places) flip(disk, path, offset + 60);
    const { damages, lastIndex } = await verifyFolder("data", { disk });
    expect(damages.map(({ file, offset }) => [file, offset])).toEqual(places);
    for (const { kind, outcome, advice, index } of damages) {
      expect([kind, outcome]).toEqual(["corrupt", "refused"]);
      expect(index).toBeGreaterThanOrEqual(whole.base);
      expect(advice).toMatch(/bring back a copy/);
    }
    expect(damages[0]!.index).toBeLessThan(damages[1]!.index!);
    expect(lastIndex).toBe(60);
  });

  it("tells a torn end from corruption, as the member takes it", async () => {
    const disk = await recorded();
    const { segments: read } = await inspectFolder("data", { disk });
    const last = read.at(-1)!;
    const bytes = disk.content(last.file);
    bytes.fill(7, last.used + 40, last.used + 80);
    disk.overwrite(last.file, bytes);
    const { damages } = await verifyFolder("data", { disk });
    expect(damages).toMatchObject([
      { file: last.file, offset: last.used, index: 60, kind: "torn", outcome: "cut" },
    ]);
    const { wal, content } = await Wal.open({ disk, directory: "data/log", ...IDENTITY });
    await wal.close();
    expect(content.entries.at(-1)!.index).toBe(60);
    expect((await verifyFolder("data", { disk })).damages).toEqual([]);
  });

  it("names a damaged head, a missing segment, a cut file and a foreign one", async () => {
    const cases: [(disk: MemoryDisk) => Promise<void> | void, RegExp][] = [
      [(disk) => flip(disk, segments(disk)[1]!, 20), /head is damaged/],
      [(disk) => disk.remove(segments(disk)[1]!), /segment is missing/],
      [
        (disk) =>
          disk.overwrite(segments(disk)[1]!, disk.content(segments(disk)[1]!).slice(0, 3000)),
        /has 3000 of/,
      ],
    ];
    for (const [damage, what] of cases) {
      const disk = await recorded();
      const path = segments(disk)[1]!;
      await damage(disk);
      const { damages } = await verifyFolder("data", { disk });
      expect(damages.some((one) => one.file === path && what.test(one.what))).toBe(true);
      expect(damages.every(({ outcome }) => outcome === "refused")).toBe(true);
    }
  });

  it("says whether the member gets over a damaged snapshot", async () => {
    const disk = await recorded();
    const [older, newer] = snapshots(disk);
    flip(disk, newer!, 500);
    const one = await verifyFolder("data", { disk });
    expect(one.damages).toMatchObject([{ file: newer, index: 40, outcome: "passed-over" }]);
    expect(one.damages[0]!.what).toMatch(/checksum/);
    flip(disk, older!, 300);
    const both = await verifyFolder("data", { disk });
    expect(both.damages.map(({ outcome }) => outcome)).toEqual(["refused", "refused"]);
    await disk.remove(newer!);
    const gone = await verifyFolder("data", { disk });
    expect(gone.damages.map(({ file }) => file).sort()).toEqual([older, newer]);
  });

  it("takes a folder whose log is lost for damage, which no start passes over", async () => {
    const disk = await recorded();
    for (const path of segments(disk)) await disk.remove(path);
    const { damages } = await verifyFolder("data", { disk });
    expect(damages).toMatchObject([{ file: "data/log", outcome: "refused" }]);
  });
});
