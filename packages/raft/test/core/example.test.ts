import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, vi } from "vitest";

const file = join(import.meta.dirname, "../../examples/raw-node.ts");

it("examples/raw-node.ts: three members agree on what was proposed to two of them", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import(file);
  expect(log.mock.calls).toEqual([[[42, 42, 42]]]);
  log.mockRestore();
});

it("examples/raw-node.ts fits on a screen", () => {
  expect(readFileSync(file, "utf8").trimEnd().split("\n").length).toBeLessThan(60);
});
