import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Counter, freePorts } from "./counter-process.js";
import { installPacked } from "./offline-install.js";

const run = promisify(execFile);
const packageFolder = fileURLToPath(new URL("../..", import.meta.url));
const isBuilt = ["index.js", "index.d.ts", "node/index.d.ts", "testing/index.d.ts"].every((file) =>
  existsSync(join(packageFolder, "dist", file)),
);
// `npm test` of the repository builds before it tests.
if (!isBuilt) console.warn("skipped: the packed package; npm run build -w @flotilla/raft");

/** What a user writes: checked by the compiler, and run once its types are gone. */
const CONSUMER = `
import { createMessage, MemoryStorage, MessageType, RaftError, RawNode, Role } from "@flotilla/raft";
import { type GroupStatus, MemoryNetwork, RaftGroup, type StateMachine } from "@flotilla/raft/node";
import { isLinearizable, registerModel, simulate } from "@flotilla/raft/testing";

class Sum implements StateMachine<number, number> {
  sum = 0;
  apply(entries: readonly { readonly command: number | null }[]): number[] {
    return entries.map(({ command }) => (this.sum += command ?? 0));
  }
  async *snapshot(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(String(this.sum));
  }
  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of chunks) this.sum = Number(new TextDecoder().decode(chunk));
  }
}

const storage = new MemoryStorage();
const node = new RawNode({ id: 1, electionTick: 10, heartbeatTick: 1, storage, random: () => 0 });
node.step(createMessage({ type: MessageType.Heartbeat, from: 2, to: 1, term: 3 }));
if (node.status().role !== Role.Follower) throw new Error("it follows");

const group: RaftGroup<number, number> = await RaftGroup.open<number, number>({
  id: 1,
  clusterId: "packed",
  members: [{ id: 1, address: "", context: new Uint8Array(), learner: false }],
  storage: { directory: "data" },
  transport: new MemoryNetwork().transport(1),
  stateMachine: new Sum(),
  codec: {
    encode: (amount) => new TextEncoder().encode(String(amount)),
    decode: (bytes) => Number(new TextDecoder().decode(bytes)),
  },
});
await group.waitForLeader();
await group.propose(40);
const sum: number = await group.propose(2);
const status: GroupStatus = group.status();
const refused = await group.promote(9).catch((error: unknown) => error);
await group.close();

const history = [{ call: 0, return: 1, input: { type: "write", value: 7 }, output: 0 }] as const;
const report = simulate({ seed: 1, seconds: 5 });
console.log(
  JSON.stringify({
    sum,
    applied: status.applied > 2,
    code: RaftError.is(refused) ? refused.code : String(refused),
    linearizable: isLinearizable(registerModel, history),
    simulated: report.operations > 0,
  }),
);
`;

const TSCONFIG = {
  compilerOptions: {
    target: "es2023",
    lib: ["es2023", "esnext.disposable"],
    module: "nodenext",
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    isolatedModules: true,
    skipLibCheck: false,
  },
  files: ["consumer.ts", "three-processes.ts"],
};

describe.skipIf(!isBuilt)("the packed package in an empty project", { timeout: 180_000 }, () => {
  let folder = "";
  let app = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "flotilla-raft-pack-"));
    app = await installPacked(packageFolder, folder);
    await writeFile(join(app, "consumer.ts"), CONSUMER);
    await copyFile(
      join(packageFolder, "examples/three-processes.ts"),
      join(app, "three-processes.ts"),
    );
    await writeFile(join(app, "tsconfig.json"), JSON.stringify(TSCONFIG));
  }, 180_000);

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("type-checks strictly, compiles, and runs with all three entries", async () => {
    const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
    const compiled = await run(process.execPath, [tsc, "-p", app], { cwd: app }).catch(
      ({ stdout }: { stdout: string }) => ({ stdout }),
    );
    expect(compiled.stdout).toBe("");
    const { stdout } = await run(process.execPath, ["consumer.js"], { cwd: app });
    expect(JSON.parse(stdout)).toEqual({
      sum: 42,
      applied: true,
      code: "invalid-config",
      linearizable: true,
      simulated: true,
    });
  });

  it("keeps a counter on three processes, whichever of them is killed", async () => {
    const example = await readFile(join(app, "three-processes.ts"), "utf8");
    expect(example.split("\n").length).toBeLessThanOrEqual(60);
    const ports = await freePorts(3);
    const start = (id: number): Counter => new Counter(app, id, ports);
    const counters = [1, 2, 3].map(start);
    try {
      for (const [at, counter] of counters.entries()) {
        expect(await counter.add(10)).toBe(10 * (at + 1));
      }
      const leader = await counters[0]!.leader();
      await counters[leader - 1]!.kill();
      const [one, other] = counters.filter((_, at) => at !== leader - 1) as [Counter, Counter];
      expect(await one.add(5)).toBe(35);
      counters[leader - 1] = start(leader);
      expect(await counters[leader - 1]!.add(1)).toBe(36);
      await other.kill();
      expect(await counters[leader - 1]!.add(2)).toBe(38);
    } finally {
      await Promise.all(counters.map((counter) => counter.kill()));
    }
  });

  it("has a core that imports nothing", async () => {
    const installed = join(app, "node_modules/@flotilla/raft");
    const reached = await filesFrom(join(installed, "dist/index.js"));
    expect(reached.outside).toEqual([]);
    expect(reached.files.length).toBeGreaterThan(0);
    const types = await filesFrom(join(installed, "dist/index.d.ts"));
    expect(types.outside).toEqual([]);
  });

  it("lets nobody in by other ways than its entries", async () => {
    const program = 'await import("@flotilla/raft/dist/core/raft.js")';
    const inside = run(process.execPath, ["--input-type=module", "-e", program], { cwd: app });
    await expect(inside).rejects.toThrow("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });
});

/** All files that one imports, and theirs, and what is imported that is no file of the package. */
async function filesFrom(entry: string): Promise<{ files: string[]; outside: string[] }> {
  const files: string[] = [];
  const outside: string[] = [];
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.includes(file)) continue;
    files.push(file);
    const { importedFiles } = ts.preProcessFile(await readFile(file, "utf8"), true, true);
    for (const { fileName } of importedFiles) {
      if (!fileName.startsWith(".")) outside.push(`${file}: ${fileName}`);
      else waiting.push(join(dirname(file), declarationOf(file, fileName)));
    }
  }
  return { files, outside };
}

/** Declarations name each other as if they were the code. */
function declarationOf(file: string, imported: string): string {
  return file.endsWith(".d.ts") ? imported.replace(/\.js$/, ".d.ts") : imported;
}
