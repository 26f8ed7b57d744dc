// `npm run mutants`: puts each mutant into the core and shows who notices. SEEDS limits the search.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "tsup";
import { mutants, mutate } from "./mutants.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const seeds = process.env.SEEDS ?? "400";
const only = process.argv[2];

async function bundle(mutant, entry, outDir) {
  const plugin = {
    name: "mutant",
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]src[\\/]core[\\/].*\.ts$/ }, ({ path }) => {
        const source = readFileSync(path, "utf8");
        const hit = path.replaceAll("\\", "/").endsWith(`/src/core/${mutant.file}`);
        return { contents: hit ? mutate(mutant, source) : source, loader: "ts" };
      });
    },
  };
  await build({
    config: false,
    silent: true,
    entry: { main: join(root, entry) },
    format: "esm",
    target: "node20",
    platform: "node",
    outDir,
    outExtension: () => ({ js: ".mjs" }),
    noExternal: [/.*/],
    esbuildPlugins: [plugin],
    clean: false,
    dts: false,
  });
}

function run(command, args, env) {
  const options = {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...env },
    timeout: 240_000,
  };
  const { status, stdout } = spawnSync(command, args, options);
  return { failed: status !== 0, output: stdout };
}

async function notice(mutant, index) {
  if (mutant.by.startsWith("test/")) {
    const args = ["vitest", "run", "--config", "test/mutants/vitest.config.ts", mutant.by];
    const { failed, output } = run("npx", [...args, "--reporter=tap-flat"], {
      MUTANT: String(index),
    });
    const test = output.match(/^not ok \d+ - (.*?)(?: # .*)?$/m)?.[1];
    return failed && test ? test : null;
  }
  const outDir = mkdtempSync(join(tmpdir(), "flotilla-mutant-"));
  try {
    const entry = mutant.by === "sim" ? "test/sim/raft.sim.ts" : "test/conformance/main.ts";
    await bundle(mutant, entry, outDir);
    const env = { SEEDS: seeds, FAST: "1", SEED: undefined };
    const { failed, output } = run(process.execPath, [join(outDir, "main.mjs")], env);
    const what = output.match(mutant.by === "sim" ? /^SEED=.*$/m : /^FAIL .*$/m)?.[0];
    return failed && what ? what.slice(0, 150) : null;
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

let survived = 0;
for (const [index, mutant] of mutants.entries()) {
  if (only !== undefined && !mutant.name.includes(only)) continue;
  const caught = await notice(mutant, index);
  if (caught === null) survived++;
  console.log(
    `${caught === null ? "SURVIVED" : "caught  "} ${mutant.name}\n         ${caught ?? mutant.by}`,
  );
}
console.log(`${survived} survived`);
process.exitCode = survived === 0 ? 0 : 1;
