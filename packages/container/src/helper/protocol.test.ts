import { expect, test } from "vitest";
import { encodeFrame, FRAME_BYTES_MAX, FrameReader } from "./protocol.js";

test("frames survive any cutting", () => {
  const messages = [["exec", "1", "a"], [], ["", "ü\0\n"], ["x".repeat(70_000)]];
  const stream = Buffer.concat(messages.map(encodeFrame));
  for (const step of [1, 3, 7, 64, 65_536, stream.length]) {
    const reader = new FrameReader();
    const read: string[][] = [];
    // In single bytes only as far as the small messages reach.
    for (let at = 0; at < stream.length; at += at < 100 ? step : Math.max(step, 999)) {
      const end = at + (at < 100 ? step : Math.max(step, 999));
      for (const fields of reader.push(stream.subarray(at, end))) read.push(fields.map(String));
    }
    expect(read).toEqual(messages);
  }
});

test("a frame over the limit is refused", () => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(FRAME_BYTES_MAX + 1);
  expect(() => new FrameReader().push(length)).toThrow(RangeError);
});
