import { describe, expect, it } from "vitest";
import { type Entry, type HardState, RaftError } from "../../src/index.js";
import { encodeMembers } from "../../src/node/group/members.js";
import { type DiskOperation, MemoryDisk, SnapshotStore, Wal } from "../../src/node/index.js";
import { PieceParser } from "../../src/node/snapshot/pieces.js";
import { parseSnapshotHead } from "../../src/node/snapshot/snapshot-file.js";
import { type OpenedStorage, openStorage } from "../../src/node/storage/storage.js";
import { CrashPoint, losePower } from "./crash-points.js";
import { generator, member } from "./helpers.js";
import { confState, IDENTITY, normal } from "./recorded-folder.js";

const STEPS = 30;
const SEGMENT_BYTES = 2048;

/** What a member's log should hold. */
interface Model {
  readonly entries: readonly Entry[];
  readonly hardState: HardState;
}

const EMPTY: Model = { entries: [], hardState: { term: 0, vote: 0, commit: 0 } };

/** How far a run came before something went wrong. */
interface Progress {
  /** The state after each step that was begun. */
  readonly states: Model[];
  /** The last step that was acknowledged. */
  acknowledged: number;
}

/**
 * What a member does with its folder, the same at each run of a seed: appends, sometimes over a tail
 * that was not committed, and snapshots with what goes with them, on short writes.
 */
async function script(disk: MemoryDisk, seed: number, progress: Progress): Promise<void> {
  const random = generator(seed);
  disk.faults.maxWriteBytes = 100 + Math.floor(random() * 4000);
  const snapshots = await SnapshotStore.open(disk, "data/snapshots", IDENTITY.clusterId);
  const { wal } = await Wal.open({
    disk,
    directory: "data/log",
    ...IDENTITY,
    segmentBytes: SEGMENT_BYTES,
    diskFullRetryMs: 1,
  });
  const marks: { index: number; term: number }[] = [];
  try {
    for (let step = 1; step <= STEPS; step++) {
      const { entries, hardState } = progress.states.at(-1)!;
      const { commit } = hardState;
      const replaces = step % 5 === 0 && entries.length > commit;
      const from = replaces ? commit + 1 : entries.length + 1;
      const term = hardState.term + (replaces || step === 1 ? 1 : 0);
      const added = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, at) =>
        normal(from + at, term),
      );
      const next: Model = {
        entries: [...entries.slice(0, from - 1), ...added],
        hardState: { term, vote: 1, commit: Math.max(commit, from - 1) },
      };
      progress.states.push(next);
      await wal.append({ entries: added, hardState: next.hardState, sync: true });
      progress.acknowledged = step;
      if (step % 7 !== 0) continue;
      const index = next.hardState.commit;
      const at = { index, term: next.entries[index - 1]!.term };
      const metadata = { ...at, confState: confState([1]) };
      const data = encodeMembers([member(1)]);
      await snapshots.write({ metadata, data }, stateAt(next, index));
      await wal.append({ snapshot: at, sync: true });
      marks.push(at);
      await snapshots.prune(marks.slice(-2));
      if (marks.length > 1) await wal.release(marks.at(-2)!.index);
    }
  } finally {
    await wal.close();
  }
}

async function* stateAt({ entries }: Model, index: number): AsyncGenerator<Uint8Array> {
  for (const { data } of entries.slice(0, index)) yield data;
}

/** What the script has begun and finished when it ended by an error, or without. */
async function run(disk: MemoryDisk, seed: number): Promise<Progress & { error: unknown }> {
  const progress: Progress = { states: [EMPTY], acknowledged: 0 };
  const error = await script(disk, seed, progress).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return { ...progress, error };
}

/**
 * Opens the folder as a member does, and lets nothing pass that no step can have left. False where it
 * was refused: a batch whose own end is whole and whose middle is not cannot be told from bit rot.
 */
async function expectRight(disk: MemoryDisk, progress: Progress, name: string): Promise<boolean> {
  let opened: OpenedStorage;
  try {
    const storage = { directory: "data", disk };
    opened = await openStorage({ ...IDENTITY, members: [member(1)], storage }, () => {});
  } catch (error) {
    expect(RaftError.is(error) && error.code, `${name}: ${error}`).toBe("corrupt");
    expect((error as Error).message, name).toMatch(/\.wal: offset \d+, after index \d+/);
    return false;
  }
  try {
    const { memory, hardState, snapshot } = opened;
    const possible = progress.states.slice(progress.acknowledged);
    if (possible[0] === EMPTY && hardState.term === 1 && memory.lastIndex() === 1) return true;
    const found = possible.find(({ entries, hardState: expected }) => {
      const [first, last] = [memory.firstIndex(), memory.lastIndex()];
      if (last !== entries.length) return false;
      const read = first > last ? [] : memory.entries(first, last + 1, Number.POSITIVE_INFINITY);
      return (
        JSON.stringify(hardState) === JSON.stringify(expected) &&
        read.every(({ term, data }, at) => {
          const entry = entries[first + at - 1]!;
          return term === entry.term && Buffer.compare(data, entry.data) === 0;
        })
      );
    });
    expect(found, name).toBeDefined();
    if (!snapshot) return true;
    const { index } = snapshot.metadata;
    const parts: Uint8Array[] = [];
    for await (const part of opened.snapshots.state(snapshot.metadata)) parts.push(part);
    const expected = found!.entries.slice(0, index).map(({ data }) => data);
    expect(Buffer.concat(parts).equals(Buffer.concat(expected)), name).toBe(true);
    return true;
  } finally {
    await opened.close();
  }
}

/** With what a snapshot's reader refuses the bytes; empty where it takes them. */
function refusalOf(bytes: Uint8Array, path: string): string {
  const parser = new PieceParser(path, (head) => void parseSnapshotHead(head, path));
  try {
    parser.add(bytes);
    parser.finish();
    return "";
  } catch (error) {
    if (RaftError.is(error) && error.code === "corrupt") return error.message;
    throw error;
  }
}

async function operationsOf(seed: number): Promise<number> {
  const disk = new MemoryDisk();
  const counted = new CrashPoint(disk);
  expect((await run(disk, seed)).error).toBeNull();
  return counted.count;
}

describe("a member's folder", () => {
  // In parts, each with a timeout of its own.
  it.each([0, 1, 2, 3])(
    "holds what was acknowledged, whichever operation the power goes at (%i of 4)",
    async (part) => {
      const hit = new Set<DiskOperation>();
      let refused = 0;
      let total = 0;
      const seed = 1;
      const count = await operationsOf(seed);
      expect(count).toBeGreaterThan(150);
      for (let at = part; at < count; at += 4) {
        const disk = new MemoryDisk();
        const point = new CrashPoint(disk, at);
        const progress = await run(disk, seed);
        if (point.hit) hit.add(point.hit);
        losePower(disk, generator(seed * 1000 + at));
        const name = `seed ${seed}, operation ${at}, ${point.hit}`;
        if (!(await expectRight(disk, progress, name))) refused++;
        total++;
      }
      expect(refused).toBeLessThan(total / 5);
      for (const operation of ["create", "write", "sync", "rename", "remove", "syncDirectory"]) {
        expect(hit).toContain(operation);
      }
    },
  );

  it.each([
    ["EIO", 0],
    ["EIO", 1],
    ["ENOSPC", 0],
    ["ENOSPC", 1],
  ] as const)(
    "holds what was acknowledged, whichever operation fails once with %s (%i of 2)",
    async (code, part) => {
      const count = await operationsOf(4);
      for (let at = part; at < count; at += 2) {
        const disk = new MemoryDisk();
        let done = 0;
        let failed: DiskOperation | null = null;
        let path = "";
        disk.faults.onOperation = (operation, file) => {
          if (done++ !== at) return;
          [failed, path] = [operation, file];
          throw Object.assign(new Error(`${code}: once`), { code });
        };
        const progress = await run(disk, 4);
        const name = `${code} at operation ${at}, ${failed} ${path}`;
        const { error } = progress;
        // The spare is only made ahead, and a full disk is waited for.
        const matters = failed !== null && !path.endsWith("spare.tmp");
        if (code === "EIO" && matters) expect(error, name).not.toBeNull();
        disk.faults.onOperation = () => {};
        disk.crash({ keepSector: () => false, keepNames: at % 7 });
        expect(await expectRight(disk, progress, name), name).toBe(true);
      }
    },
  );
});

describe("snapshot files", () => {
  it("are refused with any bit flipped at any byte, and the log's own reading goes on without", async () => {
    const disk = new MemoryDisk();
    const progress = await run(disk, 5);
    expect(progress.error).toBeNull();
    const files = disk.paths().filter((path) => path.endsWith(".snap"));
    expect(files).toHaveLength(2);
    const [older, newer] = files as [string, string];
    const store = await SnapshotStore.open(disk, "data/snapshots", IDENTITY.clusterId);
    const places = await store.list();
    const random = generator(5);
    for (const [path, at] of [
      [newer, places[0]!],
      [older, places[1]!],
    ] as const) {
      const whole = disk.content(path);
      for (let byte = 0; byte < whole.length; byte++) {
        const damaged = whole.slice();
        damaged[byte]! ^= 1 << Math.floor(random() * 8);
        disk.overwrite(path, damaged);
        expect(refusalOf(damaged, path), `byte ${byte} of ${path}`).toContain(`${path}: offset `);
        if (byte % 997 !== 0) continue;
        await expect(store.verify(at)).rejects.toMatchObject({ code: "corrupt" });
        expect(await expectRight(disk, progress, `byte ${byte} of ${path}`)).toBe(true);
      }
      for (let length = 0; length < whole.length; length++) {
        expect(refusalOf(whole.subarray(0, length), path), `${length} bytes`).toContain(path);
      }
      disk.overwrite(path, whole);
    }
    for (const path of files) {
      const damaged = disk.content(path);
      damaged[100]! ^= 1;
      disk.overwrite(path, damaged);
    }
    const both = openStorage(
      { ...IDENTITY, members: [member(1)], storage: { directory: "data", disk } },
      () => {},
    );
    await expect(both).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringMatching(/\.snap: offset \d+/),
    });
  });
});
