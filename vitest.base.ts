import { defineConfig, type ViteUserConfig } from "vitest/config";

/** Siblings resolve to their sources; results also go to reports/ for the closing line of `npm test`. */
export function tests(overrides: NonNullable<ViteUserConfig["test"]> = {}): ViteUserConfig {
  return defineConfig({
    resolve: { conditions: ["@flotilla/source"] },
    ssr: { resolve: { conditions: ["@flotilla/source", "module", "node", "import", "default"] } },
    test: {
      include: ["src/**/*.test.ts", "test/**/*.test.ts"],
      reporters: ["default", ["json", { outputFile: "reports/vitest.json" }]],
      testTimeout: 20_000,
      maxWorkers: 2,
      ...overrides,
    },
  });
}
