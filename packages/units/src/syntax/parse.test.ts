import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyText } from "../../test/any-text.js";
import { LINE_BYTES_MAX, parseUnitFile, serializeUnitFile } from "./parse.js";

/** Texts that look like unit files, with all that makes them hard. */
const unitLike = fc
  .array(
    fc.oneof(
      fc.constantFrom("[Unit]", "[Service]", "Key=value", "K = v ", "\\", "\\\\", "#c", "; c", "="),
      fc.constantFrom("\n", "\r\n", "\r", "\0", "\n\r", " ", "\t", "\ufeff", "é", "\ud800", "😀"),
      fc.string({ maxLength: 8 }),
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(""));

describe("parseUnitFile", () => {
  it("gives any text back exactly, and its nodes abut", () => {
    fc.assert(
      fc.property(fc.oneof(unitLike, anyText(200)), (text) => {
        const file = parseUnitFile(text);
        expect(serializeUnitFile(file)).toBe(text);
        const starts = file.nodes.map((node) => node.start);
        const ends = file.nodes.map((node) => node.end);
        expect([...starts, text.length]).toEqual([0, ...ends]);
      }),
      { numRuns: 500 },
    );
  });

  it("has spans that show the key and, without continuation, the value", () => {
    fc.assert(
      fc.property(unitLike, (text) => {
        for (const one of parseUnitFile(text).assignments) {
          const { keySpan, valueSpan } = one;
          expect(valueSpan.start.offset).toBeGreaterThanOrEqual(keySpan.end.offset);
          const raw = text.slice(valueSpan.start.offset, valueSpan.end.offset);
          const key = text.slice(keySpan.start.offset, keySpan.end.offset);
          if (!/[\n\r\0]/.test(raw)) expect(raw).toBe(one.value);
          if (!/[\n\r\0]/.test(key)) expect(key).toBe(one.key);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("splits at the first = and trims both sides", () => {
    const file = parseUnitFile("[S]\n  A =  b=c  \nB=\n");
    expect(file.assignments.map((one) => [one.key, one.value])).toEqual([
      ["A", "b=c"],
      ["B", ""],
    ]);
    expect(file.assignments[0]?.valueSpan.start).toEqual({ line: 2, column: 8, offset: 11 });
  });

  it("joins continuation lines, drops comments among them, ends at a blank line", () => {
    const text = "[S]\nA=x \\\n# no\n  y\\\n\nB=1\\\\\nC=2\n";
    const file = parseUnitFile(text);
    expect(file.assignments.map((one) => [one.key, one.value])).toEqual([
      ["A", "x    y"],
      ["B", "1\\\\"],
      ["C", "2"],
    ]);
  });

  it("finds places within a joined value", () => {
    const file = parseUnitFile("[S]\nA=one \\\n# c\n  two three\n");
    const value = file.assignments[0]!;
    const index = value.value.indexOf("three");
    expect(value.positionInValue(index)).toMatchObject({ line: 4, column: 7 });
    expect(value.spanInValue(index, 5).end).toMatchObject({ line: 4, column: 12 });
  });

  it("takes runs of different line end characters as one end", () => {
    const keys = (text: string) => parseUnitFile(text).assignments.map((one) => one.key);
    for (const end of ["\n", "\r", "\r\n", "\n\r", "\0", "\n\0"]) {
      const text = `[S]${end}A=1${end}B=2${end}`;
      expect(keys(text)).toEqual(["A", "B"]);
      expect(parseUnitFile(text).assignments[1]?.keySpan.start.line).toBe(3);
    }
    expect(parseUnitFile("A\n\n").nodes).toHaveLength(2);
    // Nothing joins after a NUL.
    expect(parseUnitFile("[S]\0\nA=1\n").assignments[0]?.keySpan.start.line).toBe(3);
  });

  it("skips a byte order mark at the start only", () => {
    expect(parseUnitFile("\ufeff[S]\nA=1\n").values("S", "A")).toEqual(["1"]);
    expect(parseUnitFile("\ufeff[S]\nA=1\n").diagnostics).toEqual([]);
  });

  it.each([
    ["A=1\n", "no-section", "warning", 1],
    ["[S]\nA\n", "missing-equals", "warning", 2],
    ["[S]\n=1\n", "missing-key", "warning", 2],
    ["[S\nA=1\n", "bad-section-header", "error", 1],
    ["[S']\n", "bad-section-header", "error", 1],
    ["[S]\nA=\ud800\n", "invalid-utf8", "error", 2],
    ["[S]\nA=\ufffd\n", "invalid-utf8", "warning", 2],
  ])("reports %j as %s", (text, code, severity, line) => {
    const [first, ...others] = parseUnitFile(text, { file: "a.service" }).diagnostics;
    expect(others.filter((one) => one.code === code)).toEqual([]);
    expect(first).toMatchObject({ code, severity, file: "a.service" });
    expect(first?.span.start.line).toBe(line);
  });

  it("refuses lines over 1 MiB, continued ones included", () => {
    const codes = (text: string) => parseUnitFile(text).diagnostics.map((one) => one.code);
    expect(codes(`[S]\nA=${"x".repeat(LINE_BYTES_MAX - 3)}\n`)).toEqual([]);
    expect(codes(`[S]\nA=${"x".repeat(LINE_BYTES_MAX)}\n`)).toEqual(["line-too-long"]);
    expect(codes(`[S]\nA=${"é".repeat(LINE_BYTES_MAX / 2)}\n`)).toEqual(["line-too-long"]);
    expect(codes(`[S]\nA=${"x\\\n".repeat(LINE_BYTES_MAX / 2)}\n`)).toEqual(["line-too-long"]);
  });

  it("does not complain of comments that are not Unicode", () => {
    expect(parseUnitFile("# \ud800\n[S]\n").diagnostics).toEqual([]);
  });
});
