import { expect, it } from "vitest";
import { LINE_BYTES_MAX, LineSplitter } from "./line-splitter.js";

function split(...chunks: readonly (string | Buffer)[]): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((_key, line) => lines.push(line));
  for (const chunk of chunks) splitter.push("1 stdout", Buffer.from(chunk));
  splitter.flush();
  return lines;
}

it("joins what came in pieces and keeps streams apart", () => {
  expect(split("a\nb", "c\n", "\n", "d")).toEqual(["a", "bc", "", "d"]);
  const lines: string[] = [];
  const splitter = new LineSplitter((key, line) => lines.push(`${key}:${line}`));
  splitter.push("1 stdout", Buffer.from("o"));
  splitter.push("1 stderr", Buffer.from("e\n"));
  splitter.push("1 stdout", Buffer.from("k\n"));
  expect(lines).toEqual(["1 stderr:e", "1 stdout:ok"]);
});

it("does not tear characters that chunks have torn", () => {
  const text = Buffer.from("ä€😀\n");
  const bytes = [...text].map((byte) => Buffer.from([byte]));
  expect(split(...bytes)).toEqual(["ä€😀"]);
});

it("cuts lines that are too long, between characters", () => {
  const long = "€".repeat(LINE_BYTES_MAX / 2);
  const lines = split(`${long}\nnext\n`);
  expect(lines.join("")).toBe(`${long}next`);
  expect(lines.length).toBe(3);
  for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(LINE_BYTES_MAX);
  expect(split("x".repeat(LINE_BYTES_MAX), "\n")).toHaveLength(1);
});

it("holds no more than a bounded number of unfinished lines", () => {
  const lines: string[] = [];
  const splitter = new LineSplitter((_key, line) => lines.push(line));
  for (let pid = 0; pid < 1100; pid += 1) splitter.push(`${pid} stdout`, Buffer.from(`p${pid}`));
  expect(lines.length).toBe(76);
  expect(lines[0]).toBe("p0");
});
