import { beforeAll, describe, expect, it } from "vitest";
import type { RaftError } from "../../src/index.js";
import { readFrame } from "../../src/node/wal/frame.js";
import { generator } from "./helpers.js";
import { type RecordedLog, readWith, recordLog } from "./recorded-log.js";

let log: RecordedLog;
beforeAll(async () => {
  log = await recordLog();
});

/** How often damage was repaired, refused, and did not matter (in padding). */
interface Outcomes {
  whole: number;
  repaired: number;
  refused: number;
}

/**
 * Applies each damage to a segment and holds the result against what is promised: what is refused
 * names its place; what is read is all, or all but the last batch where the damage is in that.
 */
function check(at: number, damages: Iterable<[name: string, bytes: Uint8Array]>): Outcomes {
  const outcomes = { whole: 0, repaired: 0, refused: 0 };
  for (const [name, bytes] of damages) {
    const outcome = outcomeOf(readWith(log, at, bytes), at);
    if (outcome === null) expect(readWith(log, at, bytes), name).toBe("a right state, or refused");
    else outcomes[outcome]++;
  }
  return outcomes;
}

/** Null for what must not be. Plain comparisons: there are tens of thousands. */
function outcomeOf(result: string | RaftError, at: number): keyof Outcomes | null {
  if (result === log.whole) return "whole";
  if (typeof result === "string") {
    const newest = at === log.segments.length - 1;
    return newest && result === log.withoutLast ? "repaired" : null;
  }
  const { code, message } = result;
  const place = message.startsWith(`${log.segments[at]!.path}: offset `);
  return code === "corrupt" && place && /^\S+ offset \d+, after index \d+: /.test(message)
    ? "refused"
    : null;
}

/** Every segment but for the zeros at its end, with a sector of those. */
function used(at: number): Uint8Array {
  const { bytes } = log.segments[at]!;
  let end = bytes.length;
  while (bytes[end - 1] === 0) end--;
  return bytes.subarray(0, Math.min(bytes.length, (end + 1023) & ~511));
}

function* eachSegment(): Generator<number> {
  yield* log.segments.keys();
}

describe("a recorded log", () => {
  it("has several segments, and a last batch of several sectors", () => {
    expect(log.segments.length).toBeGreaterThan(4);
    expect(log.lastBatch.to - log.lastBatch.from).toBeGreaterThan(1024);
  });

  // In parts, each with a timeout of its own.
  it.each([0, 1, 2, 3])("is never wrong over a flipped bit at any byte of it (%i of 4)", (part) => {
    const random = generator(part);
    for (const at of eachSegment()) {
      const { bytes } = log.segments[at]!;
      const { from, to } = log.lastBatch;
      const newest = at === log.segments.length - 1;
      function* flips(): Generator<[string, Uint8Array]> {
        for (let byte = part; byte < used(at).length; byte += 4) {
          const damaged = bytes.slice();
          damaged[byte]! ^= 1 << Math.floor(random() * 8);
          yield [`segment ${at}, byte ${byte}`, damaged];
        }
      }
      const outcomes = check(at, flips());
      expect(outcomes.refused).toBeGreaterThan(used(at).length / 16);
      // A bit of the commit record is what a torn write leaves; any other of the batch is rot.
      expect(outcomes.repaired).toBeLessThanOrEqual(newest ? to - from : 0);
    }
  });

  it("is never wrong over a lost, doubled or exchanged sector at any place of it", () => {
    for (const at of eachSegment()) {
      const { bytes } = log.segments[at]!;
      const sectors = used(at).length / 512;
      function* moves(): Generator<[string, Uint8Array]> {
        for (let one = 0; one < sectors; one++) {
          const lost = bytes.slice();
          lost.fill(0, one * 512, one * 512 + 512);
          yield [`segment ${at}, lost sector ${one}`, lost];
          for (let other = 0; other < sectors; other++) {
            if (other === one) continue;
            const doubled = bytes.slice();
            doubled.copyWithin(other * 512, one * 512, one * 512 + 512);
            yield [`segment ${at}, sector ${one} written at ${other}`, doubled];
            if (other < one) continue;
            const exchanged = doubled.slice();
            exchanged.set(bytes.subarray(other * 512, other * 512 + 512), one * 512);
            yield [`segment ${at}, sectors ${one} and ${other} exchanged`, exchanged];
          }
        }
      }
      check(at, moves());
    }
  });

  it("is never wrong over a sector of another segment", () => {
    for (const at of eachSegment()) {
      const { bytes } = log.segments[at]!;
      const other = log.segments[(at + 1) % log.segments.length]!.bytes;
      function* foreign(): Generator<[string, Uint8Array]> {
        for (let from = 0; from < used(at).length; from += 512) {
          const damaged = bytes.slice();
          damaged.set(other.subarray(from, from + 512), from);
          yield [`segment ${at}, foreign sector at ${from}`, damaged];
        }
      }
      check(at, foreign());
    }
  });

  it("is repaired where its last write was cut at any byte, and refused where an earlier was", () => {
    const last = log.segments.length - 1;
    const { from, to } = log.lastBatch;
    for (const at of eachSegment()) {
      const { bytes } = log.segments[at]!;
      function* cuts(): Generator<[string, Uint8Array]> {
        const whole = used(at).length;
        const begin = at === last ? from : 0;
        for (let cut = begin; cut < (at === last ? to : whole); cut++) {
          const torn = bytes.slice();
          torn.fill(0, cut);
          yield [`segment ${at}, zero from ${cut} on`, torn];
        }
      }
      const outcomes = check(at, cuts());
      if (at === last) expect(outcomes).toMatchObject({ refused: 0 });
      else expect(outcomes).toMatchObject({ repaired: 0 });
      for (const length of [0, 1, 40, 511, 512, 1000, bytes.length - 1]) {
        expect(readWith(log, at, bytes.slice(0, length)), `length ${length}`).toMatchObject({
          code: "corrupt",
        });
      }
    }
  });

  it("is never wrong when any of the last batch's sectors did not come to the disk", () => {
    const { from, to } = log.lastBatch;
    const last = log.segments.length - 1;
    const { bytes } = log.segments[last]!;
    const sectors = Math.ceil((to - from) / 512);
    function* subsets(): Generator<[string, Uint8Array]> {
      for (let kept = 0; kept < 2 ** sectors; kept++) {
        const torn = bytes.slice();
        for (let sector = 0; sector < sectors; sector++) {
          if (kept & (1 << sector)) continue;
          torn.fill(0, from + sector * 512, Math.min(bytes.length, from + sector * 512 + 512));
        }
        yield [`kept sectors ${kept.toString(2)}`, torn];
      }
    }
    const outcomes = check(last, subsets());
    expect(outcomes.whole).toBe(1);
    expect(outcomes.repaired).toBeGreaterThan(0);
    expect(outcomes.whole + outcomes.repaired + outcomes.refused).toBe(2 ** sectors);
  });

  it("notices whole frames that stand in another's place", () => {
    const { from } = log.lastBatch;
    const last = log.segments.length - 1;
    const { bytes } = log.segments[last]!;
    const nonce = new DataView(bytes.buffer).getUint32(12, true);
    const frames: { at: number; size: number }[] = [];
    for (let at = from; ; ) {
      const frame = readFrame(bytes, at, nonce);
      if (!frame) break;
      frames.push({ at, size: frame.size });
      at += frame.size;
    }
    expect(frames.length).toBeGreaterThan(5);
    const part = ({ at, size }: { at: number; size: number }): Uint8Array =>
      bytes.subarray(at, at + size);
    for (const one of frames.slice(0, -1)) {
      for (const other of frames.slice(0, -1)) {
        if (one === other) continue;
        // The frame `one` once more in the place of `other`, the rest moved to fit.
        const order = frames.map((frame) => part(frame === other ? one : frame));
        const spliced = new Uint8Array(bytes.length);
        spliced.set(bytes.subarray(0, from));
        let to = from;
        for (const frame of order) {
          spliced.set(frame, to);
          to += frame.length;
        }
        const result = readWith(log, last, spliced);
        expect(result, `${one.at} for ${other.at}`).toMatchObject({ code: "corrupt" });
      }
    }
  });
});
