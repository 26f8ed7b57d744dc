import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const SOURCES = fileURLToPath(new URL("../src/", import.meta.url));

/** The sources as JavaScript that a plain `node` can import, so that tests need no build. */
export async function buildSources(): Promise<{ module: string; remove(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), "flotilla-container-built-"));
  await writeFile(join(directory, "package.json"), '{ "type": "module" }');
  const files = (await readdir(SOURCES, { recursive: true })).filter(
    (file) => file.endsWith(".ts") && !file.endsWith(".test.ts"),
  );
  await Promise.all(
    files.map(async (file) => {
      const { outputText } = ts.transpileModule(await readFile(join(SOURCES, file), "utf8"), {
        compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
      });
      const target = join(directory, file.replace(/\.ts$/, ".js"));
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, outputText);
    }),
  );
  return {
    module: join(directory, "index.js"),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The helper, which the built sources cannot find beside themselves. */
export const HELPER: string = fileURLToPath(new URL("../helper/spawner.pl", import.meta.url));
