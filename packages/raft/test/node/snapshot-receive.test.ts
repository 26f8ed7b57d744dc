import { describe, expect, it } from "vitest";
import { MemoryDisk, SnapshotStore } from "../../src/node/index.js";

const AT = { index: 70, term: 3 };
const PIECE = 256 * 1024;
const CUT = 10_000;

function snapshot(index = AT.index, term = AT.term) {
  const confState = {
    voters: [1, 2],
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
  };
  return { metadata: { index, term, confState }, data: new Uint8Array([1, 2]) };
}

/** The bytes of a file as a sender has it: a head and `pieces` of state. */
async function sent(pieces: number, fill = 1, clusterId = "c", at = AT): Promise<Uint8Array> {
  const disk = new MemoryDisk();
  const store = await SnapshotStore.open(disk, "s", clusterId);
  await store.write(
    snapshot(at.index, at.term),
    (async function* () {
      for (let n = 0; n < pieces; n++) yield new Uint8Array(PIECE).fill(fill + n);
    })(),
  );
  const [path] = disk.paths();
  return disk.content(path!);
}

async function* stream(bytes: Uint8Array, from = 0, to = bytes.length): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; at += CUT) yield bytes.subarray(at, Math.min(at + CUT, to));
  if (to < bytes.length) throw new Error("the line broke");
}

async function opened(disk: MemoryDisk): Promise<SnapshotStore> {
  return await SnapshotStore.open(disk, "s", "c");
}

function parts(disk: MemoryDisk): string[] {
  return disk.paths().filter((path) => path.endsWith(".part"));
}

/** A store that got `bytes` of the file up to `to`, on a disk that lost power then. */
async function broken(bytes: Uint8Array, to: number, at = AT): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const store = await opened(disk);
  await expect(store.receive(at, stream(bytes, 0, to))).rejects.toThrow("the line broke");
  disk.crash();
  return disk;
}

describe("a snapshot that comes in", () => {
  it("goes on after a broken transfer and a power loss, from the last whole piece", async () => {
    const bytes = await sent(5);
    for (const to of [1, 200, PIECE + 300, 3 * PIECE + 7, bytes.length - 8, bytes.length - 1]) {
      const disk = await broken(bytes, to);
      const store = await opened(disk);
      const from = await store.receivedLength(AT);
      expect(from).toBeLessThanOrEqual(to);
      expect(to - from).toBeLessThanOrEqual(PIECE + 8);
      await store.receive(AT, stream(bytes, from), from);
      disk.crash();
      const again = await opened(disk);
      await again.verify(AT);
      expect(await again.receivedLength(AT)).toBe(bytes.length);
      expect(Buffer.compare(disk.content(disk.paths()[0]!), bytes)).toBe(0);
      expect(disk.paths()).toHaveLength(1);
      await again.receive(AT, stream(bytes, bytes.length), bytes.length);
    }
  });

  it("goes on in the same process, too, and begins anew where asked to", async () => {
    const bytes = await sent(2);
    const disk = new MemoryDisk();
    const store = await opened(disk);
    await expect(store.receive(AT, stream(bytes, 0, PIECE + 500))).rejects.toThrow("the line");
    const from = await store.receivedLength(AT);
    expect(from).toBeGreaterThan(PIECE);
    await expect(store.receive(AT, stream(bytes, from + 1), from + 1)).rejects.toMatchObject({
      code: "snapshot-temporarily-unavailable",
    });
    await expect(store.receive(AT, stream(bytes, 0, 900))).rejects.toThrow("the line broke");
    expect(await store.receivedLength(AT)).toBeLessThan(900);
    await store.receive(AT, stream(bytes));
    await store.verify(AT);
  });

  it("keeps what is right of a file that was damaged meanwhile", async () => {
    const bytes = await sent(4);
    const disk = await broken(bytes, bytes.length - 100);
    const [path] = parts(disk);
    const damaged = disk.content(path!);
    damaged[2 * PIECE]! ^= 1;
    disk.overwrite(path!, damaged);
    const store = await opened(disk);
    const from = await store.receivedLength(AT);
    expect(from).toBeGreaterThan(PIECE);
    expect(from).toBeLessThan(2 * PIECE);
    await store.receive(AT, stream(bytes, from), from);
    await store.verify(AT);
  });

  it("refuses pieces that do not belong together, and begins anew then", async () => {
    const bytes = await sent(3, 1);
    const other = await sent(3, 7);
    const disk = await broken(bytes, 2 * PIECE);
    const store = await opened(disk);
    const from = await store.receivedLength(AT);
    await expect(store.receive(AT, stream(other, from), from)).rejects.toMatchObject({
      code: "corrupt",
    });
    expect(await store.receivedLength(AT)).toBe(0);
    expect(await store.list()).toEqual([]);
    await store.receive(AT, stream(other));
    await store.verify(AT);
  });

  it("refuses what is damaged, cut, too long, of another cluster or place, and keeps none of it", async () => {
    const bytes = await sent(2);
    const flipped = Uint8Array.from(bytes);
    flipped[PIECE]! ^= 4;
    const long = Uint8Array.from([...bytes.subarray(0), 0]);
    const cases: [Uint8Array, string][] = [
      [flipped, "corrupt"],
      [bytes.slice(0, PIECE), "corrupt"],
      [bytes.slice(0, bytes.length - 8), "corrupt"],
      [long, "corrupt"],
      [new Uint8Array(8), "corrupt"],
      [await sent(1, 1, "another"), "wrong-cluster"],
      [await sent(1, 1, "c", { index: 71, term: 3 }), "corrupt"],
    ];
    for (const [wrong, code] of cases) {
      const disk = new MemoryDisk();
      const store = await opened(disk);
      await expect(store.receive(AT, stream(wrong))).rejects.toMatchObject({ code });
      expect(disk.paths()).toEqual([]);
      expect(await store.receivedLength(AT)).toBe(0);
    }
  });

  it("gives up what came when the disk is full, fails a write or an fsync", async () => {
    const bytes = await sent(2);
    for (const fault of [{ capacity: PIECE }, { failWrites: 1 }, { failSyncs: 1 }]) {
      const disk = new MemoryDisk();
      const store = await opened(disk);
      Object.assign(disk.faults, fault);
      const code = "capacity" in fault ? "disk-full" : "EIO";
      await expect(store.receive(AT, stream(bytes))).rejects.toMatchObject({ code });
      expect(disk.paths()).toEqual([]);
      disk.faults.capacity = Number.POSITIVE_INFINITY;
      await store.receive(AT, stream(bytes));
    }
  });

  it("is one at a time, and one file: another place replaces it, a newer snapshot removes it", async () => {
    const bytes = await sent(2);
    const later = { index: 90, term: 3 };
    const disk = await broken(bytes, PIECE + 100);
    const store = await opened(disk);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const rest = await sent(1, 1, "c", later);
    const slow = store.receive(
      later,
      (async function* () {
        await held;
        yield* stream(rest, 0, 500);
      })(),
    );
    await expect(store.receive(AT, stream(bytes))).rejects.toMatchObject({
      code: "snapshot-temporarily-unavailable",
    });
    release();
    await expect(slow).rejects.toThrow("the line broke");
    expect(parts(disk)).toEqual(["s/0000000000000003-000000000000005a.part"]);
    await store.write(snapshot(89), stream(new Uint8Array(10)));
    await store.prune([{ index: 89, term: 3 }]);
    expect(parts(disk)).toHaveLength(1);
    await store.write(snapshot(95), stream(new Uint8Array(10)));
    await store.prune([{ index: 95, term: 3 }]);
    expect(parts(disk)).toEqual([]);
    expect(await store.receivedLength(later)).toBe(0);
  });

  it("ends when the store is closed, though the sender is silent: nothing is written afterwards", async () => {
    const bytes = await sent(2);
    const disk = new MemoryDisk();
    const store = await opened(disk);
    let rest = (): void => {};
    const silence = new Promise<void>((resolve) => {
      rest = resolve;
    });
    let begun = (): void => {};
    const started = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const received = store.receive(
      AT,
      (async function* () {
        yield bytes.subarray(0, PIECE + 100);
        begun();
        await silence;
        yield bytes.subarray(PIECE + 100);
      })(),
    );
    const outcome = expect(received).rejects.toMatchObject({ code: "stopped" });
    await started;
    await store.close();
    await outcome;
    const next = await opened(disk);
    const kept = await next.receivedLength(AT);
    expect(kept).toBeGreaterThan(0);
    rest();
    await next.receive(AT, stream(bytes.subarray(kept)), kept);
    await next.verify(AT);
    await expect(store.receive(AT, stream(bytes))).rejects.toMatchObject({ code: "stopped" });
  });
});
