import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { entriesSize } from "../../src/core/log/entry.js";
import { NO_TERM, RaftLog } from "../../src/core/log/log.js";
import { Inflights } from "../../src/core/tracker/inflights.js";
import { Progress, ProgressState } from "../../src/core/tracker/progress.js";
import { type Entry, EntryType, MemoryStorage, RaftError } from "../../src/index.js";

const entry = (index: number, term: number, size = 0): Entry => ({
  term,
  index,
  type: EntryType.Normal,
  data: new Uint8Array(size),
});

/** A log as a plain list from index 1 on. */
type Plain = Entry[];

interface Append {
  readonly index: number;
  readonly terms: readonly number[];
  readonly commit: number;
}

const operation = fc.oneof(
  fc.record({
    index: fc.integer({ min: 0, max: 12 }),
    terms: fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 }),
    // Rarely, so that there is something left to replace.
    commit: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(6)),
  }),
  fc.constantFrom("write", "acknowledge", "apply", "compact"),
);

/** What the paper's figure 2 says of AppendEntries, on a plain list. Returns the last index, or −1. */
function slowAppend(plain: Plain, { index, terms }: Append, logTerm: number): number {
  if (index > plain.length || (index > 0 && plain[index - 1]!.term !== logTerm)) return -1;
  terms.forEach((term, i) => {
    const at = index + i;
    if (plain[at] !== undefined && plain[at].term !== term) plain.length = at;
    plain[at] ??= entry(at + 1, term, term);
  });
  return index + terms.length;
}

describe("the log, against a plain list", () => {
  it("holds, commits and applies the same, whatever is written, acknowledged or compacted when", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
        const storage = new MemoryStorage();
        const log = new RaftLog(storage, Number.POSITIVE_INFINITY);
        const plain: Plain = [];
        let committed = 0;
        let writing: Entry[] = [];
        const written: { index: number; term: number }[] = [];
        for (const op of operations) {
          if (typeof op === "object") {
            // Nobody sends entries in the place of committed ones, or terms that fall.
            const base = Math.max(op.index, committed);
            const logTerm = plain[base - 1]?.term ?? 0;
            const terms = op.terms.map((term) => Math.max(term, logTerm)).sort((a, b) => a - b);
            const append = { ...op, index: base, terms };
            const entries = terms.map((term, i) => entry(base + i + 1, term, term));
            const last = log.maybeAppend(base, base === 0 ? 0 : logTerm, entries, op.commit);
            expect(last).toBe(base > plain.length ? -1 : slowAppend(plain, append, logTerm));
            if (last >= 0) committed = Math.max(committed, Math.min(op.commit, last));
          } else if (op === "write") {
            writing = log.unstable.nextEntries();
            log.unstable.acceptInProgress();
            storage.append(writing);
            const end = writing.at(-1);
            if (end !== undefined) written.push(end);
          } else if (op === "acknowledge") {
            // Old acknowledgements of replaced entries come as well.
            const end = written.shift();
            if (end !== undefined) log.unstable.stableTo(end.index, end.term);
          } else if (op === "apply") {
            const next = log.nextCommitted(false);
            expect(next).toEqual(plain.slice(log.applied, log.applied + next.length));
            const end = next.at(-1);
            if (end !== undefined) {
              log.acceptApplying(end.index, 0, false);
              log.appliedTo(end.index, 0);
            }
          } else if (log.applied >= storage.firstIndex() && log.applied <= storage.lastIndex()) {
            storage.compact(log.applied);
          }
          check(log, storage, plain, committed);
        }
        // Whatever was replaced while it was written, in the end all of it is written.
        storage.append(log.unstable.nextEntries());
        const first = storage.firstIndex();
        const stored = storage.entries(first, storage.lastIndex() + 1, Number.POSITIVE_INFINITY);
        expect(stored).toEqual(plain.slice(first - 1));
      }),
      { numRuns: 300 },
    );
  });

  function check(log: RaftLog, storage: MemoryStorage, plain: Plain, committed: number): void {
    expect(log.committed).toBe(committed);
    expect(log.lastIndex()).toBe(plain.length);
    const first = storage.firstIndex();
    for (let index = 0; index <= plain.length + 1; index++) {
      const expected = index === 0 ? 0 : (plain[index - 1]?.term ?? NO_TERM);
      expect(log.term(index)).toBe(index < first - 1 ? NO_TERM : expected);
    }
    expect(log.slice(first, plain.length + 1, Number.POSITIVE_INFINITY)).toEqual(
      plain.slice(first - 1),
    );
    if (first > 1) expect(log.slice(first - 1, plain.length + 1, 1)).toBeNull();
  }

  it("slices as many entries as fit, over the border of what is stable, and one at least", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 12 }),
        fc.nat(12),
        fc.integer({ min: 1, max: 120 }),
        (sizes, stable, maxBytes) => {
          const storage = new MemoryStorage();
          const entries = sizes.map((size, i) => entry(i + 1, 1, size));
          storage.append(entries.slice(0, stable));
          const log = new RaftLog(storage, Number.POSITIVE_INFINITY);
          log.append(entries.slice(stable));
          let fit = 1;
          while (fit < entries.length && entriesSize(entries.slice(0, fit + 1)) <= maxBytes) fit++;
          expect(log.slice(1, entries.length + 1, maxBytes)).toEqual(entries.slice(0, fit));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("finds where a log can end matching another, as a search through all places does", () => {
    const terms = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 10 });
    fc.assert(
      fc.property(terms, fc.nat(12), fc.integer({ min: 0, max: 6 }), (drawn, from, term) => {
        const sorted = drawn.sort((a, b) => a - b);
        const storage = new MemoryStorage();
        storage.append(sorted.map((one, i) => entry(i + 1, one)));
        const log = new RaftLog(storage, 1);
        const start = Math.min(from, sorted.length);
        const places = [0, ...sorted.slice(0, start)];
        const found = places.findLastIndex((one) => one <= term);
        expect(log.findConflictByTerm(start, term)).toEqual([found, places[found]]);
      }),
    );
  });

  it("refuses a commit that it does not reach", () => {
    const log = new RaftLog(new MemoryStorage(), 1);
    log.append([entry(1, 1)]);
    log.commitTo(1);
    expect(() => log.commitTo(2)).toThrow(RaftError);
    log.commitTo(0);
    expect(log.committed).toBe(1);
  });
});

describe("the window of appends in flight, against a plain list", () => {
  it("is full and frees as the list does", () => {
    const action = fc.oneof(
      fc.record({ add: fc.integer({ min: 0, max: 60 }) }),
      fc.record({ free: fc.integer({ min: 0, max: 40 }) }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(Number.POSITIVE_INFINITY, 100),
        fc.array(action, { maxLength: 200 }),
        (maxMessages, maxBytes, actions) => {
          const inflights = new Inflights(maxMessages, maxBytes);
          let plain: { index: number; bytes: number }[] = [];
          let next = 1;
          for (const one of actions) {
            const bytes = plain.reduce((sum, { bytes: size }) => sum + size, 0);
            const full = plain.length >= maxMessages || bytes >= maxBytes;
            expect(inflights.full).toBe(full);
            expect(inflights.count).toBe(plain.length);
            if ("free" in one) {
              const through = next - 20 + one.free;
              inflights.freeThrough(through);
              plain = plain.filter(({ index }) => index > through);
            } else if (!full) {
              inflights.add(next, one.add);
              plain.push({ index: next, bytes: one.add });
              next += 1 + (one.add % 3);
            }
          }
        },
      ),
    );
  });
});

describe("progress", () => {
  it("keeps match < next in every state, and never forgets what matched", () => {
    const action = fc.oneof(
      fc.record({ update: fc.nat(20) }),
      fc.record({ refuse: fc.nat(20), hint: fc.nat(20) }),
      fc.record({ send: fc.nat(3) }),
      fc.constantFrom("probe", "replicate", "snapshot", "heard"),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.array(action, { maxLength: 40 }),
        (next, actions) => {
          const progress = new Progress(next, new Inflights(3, 1000), false);
          for (const one of actions) {
            const { match } = progress;
            if (one === "probe") progress.becomeProbe();
            else if (one === "replicate") progress.becomeReplicate();
            else if (one === "snapshot") progress.becomeSnapshot(match + 5);
            else if (one === "heard") progress.appendsPaused = false;
            else if ("update" in one)
              expect(progress.maybeUpdate(one.update)).toBe(one.update > match);
            else if ("refuse" in one) progress.maybeDecrease(one.refuse, one.hint);
            else if (!progress.paused && !progress.inflights.full)
              progress.sentEntries(one.send, 1);
            expect(progress.next).toBeGreaterThan(progress.match);
            expect(progress.match).toBeGreaterThanOrEqual(match);
            if (progress.state === ProgressState.Snapshot) expect(progress.paused).toBe(true);
            else expect(progress.pendingSnapshot).toBe(0);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
