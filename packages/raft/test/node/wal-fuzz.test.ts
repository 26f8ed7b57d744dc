import { describe, expect, it } from "vitest";
import { type Entry, EntryType, type HardState, RaftError } from "../../src/index.js";
import {
  MemoryDisk,
  type SnapshotPoint,
  Wal,
  type WalContent,
  type WalRecord,
} from "../../src/node/index.js";
import { generator } from "./helpers.js";

const SEEDS = Number(process.env["SEEDS"] ?? 150);
const FIRST_SEED = Number(process.env["SEED"] ?? 1);

/** What a log should hold: the plain truth beside which the real one is put. */
interface Model {
  readonly base: number;
  readonly entries: readonly Entry[];
  readonly hardState: HardState;
}

const EMPTY: Model = { base: 0, entries: [], hardState: { term: 0, vote: 0, commit: 0 } };

function after({ base, entries, hardState }: Model, record: WalRecord): Model {
  const kept = [...entries];
  let start = base;
  for (const entry of record.entries ?? []) {
    kept.length = entry.index - start - 1;
    kept.push(entry);
  }
  const { snapshot } = record;
  if (snapshot && snapshot.index > start + kept.length) {
    start = snapshot.index;
    kept.length = 0;
  }
  return { base: start, entries: kept, hardState: record.hardState ?? hardState };
}

/** The next thing a member might write. */
function draw(random: () => number, model: Model): WalRecord {
  const last = model.base + model.entries.length;
  const { commit, term } = model.hardState;
  if (random() < 0.05) {
    const snapshot: SnapshotPoint = { index: last + 1 + Math.floor(random() * 50), term: term + 1 };
    const hardState = { term: term + 1, vote: 0, commit: snapshot.index };
    return { snapshot, hardState, sync: true };
  }
  const overwrite = random() < 0.2;
  const from = overwrite ? commit + 1 + Math.floor(random() * (last - commit + 1)) : last + 1;
  const newTerm = overwrite ? term + 1 : Math.max(1, term);
  const entries = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, at): Entry => {
    const data = new Uint8Array(Math.floor(random() * 700)).fill(1 + Math.floor(random() * 255));
    return { index: from + at, term: newTerm, type: EntryType.Normal, data };
  });
  const end = from + entries.length - 1;
  const commits = commit + Math.floor(random() * (end - commit + 1));
  return { entries, hardState: { term: newTerm, vote: 1, commit: commits }, sync: true };
}

function same(content: WalContent, model: Model): boolean {
  const { base, entries, hardState } = content;
  if (base < model.base) return false;
  const expected = model.entries.slice(base - model.base);
  return (
    base + entries.length === model.base + model.entries.length &&
    JSON.stringify(hardState) === JSON.stringify(model.hardState) &&
    entries.every(({ index, term, data }, at) => {
      const other = expected[at]!;
      return index === other.index && term === other.term && Buffer.compare(data, other.data) === 0;
    })
  );
}

const options = { directory: "log", clusterId: "fuzz", id: 1, segmentBytes: 8192 };

describe("the write-ahead log against a model", () => {
  it(`holds what was acknowledged over power losses (${SEEDS} seeds from ${FIRST_SEED})`, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const random = generator(seed);
      const disk = new MemoryDisk();
      if (random() < 0.3) disk.faults.maxWriteBytes = 1 + Math.floor(random() * 600);
      let model = EMPTY;
      for (let life = 0; life < 4; life++) {
        const { wal, content } = await Wal.open({ ...options, disk });
        expect(same(content, model), `seed ${seed}, life ${life}`).toBe(true);
        const submitted = [model];
        let acknowledged = 0;
        const count = Math.floor(random() * 25);
        for (let at = 1; at <= count; at++) {
          const record = draw(random, submitted.at(-1)!);
          submitted.push(after(submitted.at(-1)!, record));
          const written = wal.append(record).then(
            () => {
              acknowledged = Math.max(acknowledged, at);
            },
            () => {},
          );
          if (random() < 0.6) await written;
          if (random() < 0.1) {
            const { commit } = submitted[acknowledged]!.hardState;
            await wal.release(Math.floor(commit / 2));
          }
        }
        let keep = Math.floor(random() * 12);
        disk.crash({ keepSector: () => keep-- > 0 });
        await wal.close();
        const found = await Wal.open({ ...options, disk });
        await found.wal.close();
        const possible = submitted.slice(acknowledged).find((one) => same(found.content, one));
        expect(possible, `seed ${seed}, life ${life}, ${acknowledged} acknowledged`).toBeDefined();
        const { base, entries } = found.content;
        model = { base, entries, hardState: possible!.hardState };
      }
    }
  });

  it(`is never wrong over flipped bytes, zeroed sectors and cut files (${SEEDS} seeds)`, async () => {
    let refused = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const random = generator(seed);
      const disk = new MemoryDisk();
      const { wal } = await Wal.open({ ...options, disk });
      const states = [EMPTY];
      for (let at = 0; at < 15; at++) {
        const record = draw(random, states.at(-1)!);
        states.push(after(states.at(-1)!, record));
        await wal.append(record);
      }
      await wal.close();
      const logs = disk.paths().filter((path) => path.endsWith(".wal"));
      const path = logs[Math.floor(random() * logs.length)]!;
      disk.overwrite(path, damage(random, disk.content(path)));
      try {
        const { wal: again, content } = await Wal.open({ ...options, disk });
        await again.close();
        // Damage to the last batch's end looks like a torn write: the batch goes, whole.
        const right = states.slice(-2).some((state) => same(content, state));
        expect(right, `seed ${seed}`).toBe(true);
      } catch (error) {
        if (!RaftError.is(error)) throw error;
        expect(["corrupt", "wrong-cluster"], `seed ${seed}`).toContain(error.code);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(SEEDS / 4);
  });
});

function damage(random: () => number, bytes: Uint8Array): Uint8Array {
  let used = bytes.length;
  while (used > 0 && bytes[used - 1] === 0) used--;
  const at = Math.floor(random() * used);
  const kind = random();
  if (kind < 0.1) return bytes.slice(0, at);
  if (kind < 0.3) return bytes.fill(0, at & ~511, (at & ~511) + 512);
  for (let flips = 1 + Math.floor(random() * 3); flips > 0; flips--) {
    const where = Math.floor(random() * used);
    bytes[where] = bytes[where]! ^ (1 << Math.floor(random() * 8));
  }
  return bytes;
}
