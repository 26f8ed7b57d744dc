// Runs a TypeScript program of this package: node scripts/run.mjs FILE [ARGUMENT…]. Node 20 reads
// no TypeScript, so tsup bundles it into a temporary folder first.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "tsup";

const [file] = process.argv.splice(2, 1);
const root = fileURLToPath(new URL("..", import.meta.url));
const outDir = await mkdtemp(join(tmpdir(), "flotilla-raft-"));
try {
  await build({
    config: false,
    silent: true,
    entry: { main: resolve(root, file) },
    format: "esm",
    target: "node20",
    platform: "node",
    outDir,
    outExtension: () => ({ js: ".mjs" }),
    noExternal: [/.*/],
    sourcemap: "inline",
    // For CommonJS dependencies, which require Node's own modules.
    banner: {
      js: 'import { createRequire as toRequire } from "node:module"; const require = toRequire(import.meta.url);',
    },
    clean: false,
    dts: false,
  });
  process.chdir(root);
  await import(pathToFileURL(join(outDir, "main.mjs")).href);
} finally {
  await rm(outDir, { recursive: true, force: true });
}
