import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ours = new URL("../src/runtime.ts", import.meta.url);
const supervisors = new URL("../../supervisor/src/runtime.ts", import.meta.url);

test("the supervisor's port and what is given here are the same", async () => {
  const declarations = async (url: URL): Promise<string> => {
    const text = await readFile(fileURLToPath(url), "utf8");
    return text.slice(text.indexOf("*/"));
  };
  expect(await declarations(ours)).toBe(await declarations(supervisors));
});
