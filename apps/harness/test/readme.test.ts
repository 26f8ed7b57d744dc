import { execFile } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import { describe, expect, it, onTestFinished } from "vitest";
import { REPOSITORY } from "../src/cluster/executables.js";

const run = promisify(execFile);

const workspaces = ["packages", "apps"].flatMap((folder) =>
  readdirSync(join(REPOSITORY, folder)).map((name) => `${folder}/${name}`),
);

/** The first TypeScript block of a README, which is a whole program. */
function firstBlock(readme: string): string {
  return /^```ts\n([\s\S]*?)^```$/m.exec(readme)?.[1] ?? "";
}

describe("the first block of each README runs as written", () => {
  it.each(workspaces)("%s", async (workspace) => {
    const folder = join(REPOSITORY, workspace);
    const source = firstBlock(readFileSync(join(folder, "README.md"), "utf8"));
    expect(source).not.toBe("");
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    });
    // Inside the package, so that its own name resolves as it does for who installed it.
    const program = join(folder, `.readme-${process.pid}.mjs`);
    writeFileSync(program, outputText);
    onTestFinished(() => rmSync(program, { force: true }));
    await run(process.execPath, [program], { cwd: folder, timeout: 60_000 });
  });
});
