import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { AuthorityFilter, HTTP2_PREFACE } from "./authority-filter.js";

const frame = (type: number, flags: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  return Buffer.concat([head, payload]);
};
const SETTINGS = frame(4, 0, Buffer.alloc(0));
const AUTHORITY = 0x41;
/** `:method POST`, `:scheme http`, then a literal path, as Go sends them before the authority. */
const BEFORE = Buffer.concat([Buffer.from([0x83, 0x86, 0x44, 0x04]), Buffer.from("/a/b")]);

const raw = (value: string): Buffer =>
  Buffer.concat([BEFORE, Buffer.from([AUTHORITY, value.length]), Buffer.from(value)]);

/** RFC 7541's Huffman code of `http://127.0.0.1:21379`. */
const HUFFMAN_VALUE = Buffer.from("9d29aee30c0844eb817570b8225ae7ff".slice(0, 32), "hex");

function through(chunks: readonly Buffer[]): Buffer {
  const filter = new AuthorityFilter();
  return Buffer.concat(chunks.map((chunk) => filter.push(chunk)));
}

describe("AuthorityFilter", () => {
  it("overwrites a scheme in the authority, wherever the bytes are cut", () => {
    const bytes = Buffer.concat([HTTP2_PREFACE, SETTINGS, frame(1, 4, raw("http://a:1"))]);
    const mended = Buffer.concat([HTTP2_PREFACE, SETTINGS, frame(1, 4, raw("httpB--a:1"))]);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const copy = Buffer.from(bytes);
      expect(through([copy.subarray(0, cut), copy.subarray(cut)]).equals(mended), `${cut}`).toBe(
        true,
      );
    }
  });

  it("overwrites the scheme of TLS likewise", () => {
    const bytes = Buffer.concat([HTTP2_PREFACE, frame(1, 4, raw("https://a:1"))]);
    const mended = Buffer.concat([HTTP2_PREFACE, frame(1, 4, raw("httpsB--a:1"))]);
    expect(through([bytes]).equals(mended)).toBe(true);
  });

  it("overwrites it in Huffman code too, without moving a bit behind it", () => {
    const block = Buffer.concat([
      Buffer.from([AUTHORITY, 0x80 | HUFFMAN_VALUE.length]),
      HUFFMAN_VALUE,
    ]);
    const before = Buffer.concat([HTTP2_PREFACE, frame(1, 4, block)]);
    const after = through([Buffer.from(before)]);
    expect(after).toHaveLength(before.length);
    const from = HTTP2_PREFACE.length + 9 + 2;
    // 41 bits stand for the scheme; the others stay.
    expect(after.subarray(from + 6).equals(before.subarray(from + 6))).toBe(true);
    expect((after[from + 5] ?? 0) & 0x7f).toBe((before[from + 5] ?? 0) & 0x7f);
    expect(after.subarray(from, from + 3).equals(before.subarray(from, from + 3))).toBe(true);
    expect(after.equals(before)).toBe(false);
  });

  it("finds the authority behind padding and priority", () => {
    const padded = (value: string): Buffer =>
      frame(
        1,
        4 | 8 | 0x20,
        Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 9]), raw(value), Buffer.alloc(3)]),
      );
    expect(
      through([HTTP2_PREFACE, padded("http://a")]).equals(
        Buffer.concat([HTTP2_PREFACE, padded("httpB--a")]),
      ),
    ).toBe(true);
  });

  it.each(["a:1", "http", "https:/a:1", ""])("leaves %j alone", (value) => {
    const bytes = Buffer.concat([
      HTTP2_PREFACE,
      frame(1, 4, raw(value)),
      frame(0, 1, Buffer.from("x")),
    ]);
    expect(through([Buffer.from(bytes)]).equals(bytes)).toBe(true);
  });

  it("passes on whatever a hostile client sends, and holds one frame at most", () => {
    const huge = Buffer.concat([HTTP2_PREFACE, Buffer.from([0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 1])]);
    expect(through([Buffer.from(huge)]).equals(huge)).toBe(true);
    for (let seed = 1; seed < 300; seed++) {
      let state = seed;
      const block = Buffer.from(
        Array.from({ length: seed % 40 }, () => {
          state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
          return state >> 16;
        }),
      );
      const bytes = Buffer.concat([HTTP2_PREFACE, frame(1, seed & 0xff, block)]);
      expect(through([Buffer.from(bytes)])).toHaveLength(bytes.length);
    }
  });
});
