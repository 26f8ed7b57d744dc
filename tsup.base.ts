import type { Options } from "tsup";

/** What every package builds: ESM for Node 20 with source maps; declarations come from tsc. */
export function esm(entry: Record<string, string>): Options {
  return {
    entry,
    format: "esm",
    target: "node20",
    platform: "node",
    outDir: "dist",
    splitting: true,
    sourcemap: true,
    clean: true,
    dts: false,
    treeshake: true,
  };
}
