import { describe, expect, it } from "vitest";
import { bytes, DrivenStore } from "../../test/store/driven-store.js";
import { KvError } from "../api/errors.js";
import { MvccStore } from "./mvcc-store.js";

const at = { index: 5, term: 2 };

function filled(): DrivenStore {
  const kv = new DrivenStore();
  kv.grant(-7n, 30);
  for (let i = 0; i < 300; i++) kv.put(`k${i % 100}`, "v".repeat(i * 5), i % 3 === 0 ? -7n : 0n);
  kv.delete("k1", "k2");
  return kv;
}

async function read(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

async function* cut(whole: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < whole.length; from += size) yield whole.subarray(from, from + size);
}

async function refusal(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const error: unknown = await new MvccStore().restore(chunks, at).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!KvError.is(error)) expect.fail(`not refused: ${error}`);
  expect(error.code).toBe("corrupt");
  return error.message;
}

describe("snapshot", () => {
  it.each([1, 7, 1000, 1_000_000])(
    "is read whatever it was cut into: %i bytes",
    async (size) => {
      const kv = filled();
      const whole = await read(kv.store.snapshot());
      const copy = new MvccStore();
      await copy.restore(cut(whole.subarray(0), size), at);
      expect(copy.hash(0)).toEqual(kv.store.hash(0));
      expect(copy.lease(-7n)).toEqual(kv.store.lease(-7n));
      expect([copy.appliedIndex, copy.appliedTerm]).toEqual([5, 2]);
    },
    60_000,
  );

  it("refuses any single bit that changed, and leaves the old state be", async () => {
    const whole = await read(filled().store.snapshot());
    const kv = new DrivenStore();
    kv.put("mine", "still here");
    for (let n = 0; n < 200; n++) {
      const bad = Buffer.from(whole);
      const place = n < 80 ? n : (n * 104_729) % whole.length;
      bad[place]! ^= 1 << (n % 8);
      await expect(kv.store.restore(cut(bad, 65_536), at)).rejects.toThrow(/corrupt/);
    }
    expect(kv.range("mine")).toEqual(["mine=still here"]);
  });

  it("refuses what is cut off, doubled, foreign, or of a later format", async () => {
    const whole = await read(filled().store.snapshot());
    expect(await refusal(cut(whole.subarray(0, 0), 1))).toMatch("its end is missing");
    expect(await refusal(cut(whole.subarray(0, whole.length - 1), 9999))).toMatch("within a frame");
    const endFrame = 5 + 20 + 4;
    expect(await refusal(cut(whole.subarray(0, -endFrame), 9999))).toMatch("its end is missing");
    expect(await refusal(cut(Buffer.concat([whole, whole]), 9999))).toMatch("follows its end");
    expect(await refusal(cut(Buffer.alloc(100), 9999))).toMatch("checksum");
    const headerFrame = 5 + 11 + 4 + 32 + 4;
    const versionsSize = 5 + whole.readUInt32LE(headerFrame + 5 + 16 + 4 + 1) + 4;
    const versionsAt = headerFrame + 5 + 16 + 4;
    const without = Buffer.concat([
      whole.subarray(0, versionsAt),
      whole.subarray(versionsAt + versionsSize),
    ]);
    expect(await refusal(cut(without, 9999))).toMatch("missing or out of order");
  });

  it("holds freeing back while it is read, and goes on after", async () => {
    const kv = filled();
    const snapshot = kv.store.snapshot()[Symbol.asyncIterator]();
    await snapshot.next();
    kv.compact(kv.store.revision);
    const { versions } = kv.store.stats;
    await new Promise(setImmediate);
    expect(kv.store.stats.versions).toBe(versions);
    await snapshot.return?.();
    await kv.store.scrubbed();
    expect(kv.store.stats.versions).toBeLessThan(versions);
  });

  it("holds back also what a compaction before it has still to free", async () => {
    const kv = filled();
    kv.compact(kv.store.revision - 1);
    const snapshot = kv.store.snapshot();
    const { versions } = kv.store.stats;
    await new Promise(setImmediate);
    expect(kv.store.stats.versions).toBe(versions);
    await read(snapshot);
    await kv.store.scrubbed();
    expect(kv.store.stats.versions).toBeLessThan(versions);
  });

  it("gives way to the next one", async () => {
    const kv = filled();
    const first = kv.store.snapshot();
    const second = kv.store.snapshot();
    await expect(read(first)).rejects.toThrow(/another snapshot/);
    const copy = new MvccStore();
    await copy.restore(second, at);
    expect(copy.range({ key: bytes("k2") }).count).toBe(1);
  });
});
