// `npm run mutants [-- PART OF A NAME]`: puts each mutant into its source and shows who notices.
// SEEDS limits the search of the simulator; JOBS, how many are tried at once.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "tsup";
import { mutants, mutate } from "./mutants.mjs";

const raft = fileURLToPath(new URL("../..", import.meta.url));
const packages = fileURLToPath(new URL("../../..", import.meta.url));
const vitestConfig = fileURLToPath(new URL("vitest.config.ts", import.meta.url));
const { SEEDS = "400", JOBS = String(availableParallelism()) } = process.env;
const TIMEOUT_MS = 240_000;
const PROGRAMS = { sim: "test/sim/raft.sim.ts", conformance: "test/conformance/main.ts" };
const [only = ""] = process.argv.slice(2);

async function bundle(mutant, outDir) {
  const plugin = {
    name: "mutant",
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
        const source = readFileSync(path, "utf8");
        const hit = path.replaceAll("\\", "/").endsWith(`/packages/${mutant.file}`);
        return { contents: hit ? mutate(mutant, source) : source, loader: "ts" };
      });
    },
  };
  await build({
    config: false,
    silent: true,
    entry: { main: join(raft, PROGRAMS[mutant.by]) },
    format: "esm",
    target: "node20",
    platform: "node",
    outDir,
    outExtension: () => ({ js: ".mjs" }),
    esbuildPlugins: [plugin],
    clean: false,
    dts: false,
  });
}

function run(command, args, cwd, env) {
  const options = { cwd, env: { ...process.env, ...env }, timeout: TIMEOUT_MS };
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "ignore"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ failed: status !== 0, output }));
  });
}

/** What a test says that fails with the mutant in its sources; null when it passes. */
async function noticeByTest({ by, test }, index) {
  const [folder, ...path] = by.split("/");
  const args = ["vitest", "run", "--config", vitestConfig, "--root", ".", path.join("/")];
  if (test !== undefined) args.push("-t", test);
  const env = { MUTANT: String(index) };
  const { failed, output } = await run("npx", args, join(packages, folder), env);
  const name = output.match(/^not ok \d+ - (.*?)(?: # .*)?$/m)?.[1];
  return failed && name ? name : null;
}

/** What the simulator or the transcripts say with the mutant bundled in; null when nothing. */
async function noticeByProgram(mutant) {
  // In the package, where its dependencies are found.
  const outDir = mkdtempSync(join(raft, ".run-mutant-"));
  try {
    await bundle(mutant, outDir);
    const env = { SEEDS, FAST: "1", JOBS: "1", SEED: undefined };
    const { failed, output } = await run(process.execPath, [join(outDir, "main.mjs")], raft, env);
    const what = output.match(mutant.by === "sim" ? /^SEED=.*$/m : /^FAIL .*$/m)?.[0];
    return failed && what ? what.slice(0, 150) : null;
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

const queue = [...mutants.entries()].filter(([, { name }]) => name.includes(only));
const count = queue.length;
let survived = 0;

async function work() {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [index, mutant] = next;
    const noticed = mutant.by in PROGRAMS ? noticeByProgram(mutant) : noticeByTest(mutant, index);
    const caught = await noticed;
    if (caught === null) survived++;
    const head = caught === null ? "SURVIVED" : "caught  ";
    console.log(`${head} ${mutant.name}\n         ${mutant.by}: ${caught ?? "noticed nothing"}`);
  }
}

const began = performance.now();
await Promise.all(Array.from({ length: Number(JOBS) }, work));
const seconds = ((performance.now() - began) / 1000).toFixed(0);
console.log(`${count - survived} of ${count} mutants caught, ${survived} survived, ${seconds} s`);
process.exitCode = survived === 0 ? 0 : 1;
