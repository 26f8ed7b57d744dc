// Runs a TypeScript program of a workspace, from its folder:
//   node ../../scripts/run-typescript.mjs FILE [ARGUMENT…]
// Node 20 reads no TypeScript, so tsup bundles the workspace's own sources first. The bundle lies in
// the workspace, where its dependencies are found; siblings are used as they were built.
import { mkdtemp, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "tsup";

const [file] = process.argv.splice(2, 1);
const outDir = await mkdtemp(join(process.cwd(), ".run-"));
try {
  await build({
    config: false,
    silent: true,
    entry: { main: resolve(file) },
    format: "esm",
    target: "node20",
    platform: "node",
    outDir,
    outExtension: () => ({ js: ".mjs" }),
    sourcemap: "inline",
    clean: false,
    dts: false,
  });
  await import(pathToFileURL(join(outDir, "main.mjs")).href);
} finally {
  await rm(outDir, { recursive: true, force: true });
}
