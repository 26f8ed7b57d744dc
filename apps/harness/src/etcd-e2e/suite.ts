import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";

/** Where Debian's golang-etcd-server-dev puts etcd's sources. */
const GOPATH = "/usr/share/gocode";
const ETCD_SOURCES = join(GOPATH, "src/go.etcd.io/etcd");
/** The suite names files by paths that are relative to its own folder. */
const SUITE_DIRECTORY = join(ETCD_SOURCES, "tests/e2e");
const FIXTURES = join(ETCD_SOURCES, "integration/fixtures");
const ETCDCTL = "/usr/bin/etcdctl";

/** The release that the suite is of: some of its tests look for it in what the server tells. */
const SUITE_VERSION = "3.4.23";

/** The slowest test takes about 40 s against etcd itself on a quiet machine. */
const TEST_TIMEOUT_MS = 180_000;

/** What the suite needs and this machine lacks, with the Debian package; empty when all is there. */
export function missingTools(): readonly string[] {
  const needed: readonly (readonly [string, string])[] = [
    [SUITE_DIRECTORY, "golang-etcd-server-dev"],
    ["/usr/bin/go", "golang-go"],
    [ETCDCTL, "etcd-client"],
    ["/usr/bin/curl", "curl"],
  ];
  return needed.filter(([path]) => !existsSync(path)).map(([, name]) => name);
}

/** How one test ended. */
export interface TestOutcome {
  readonly name: string;
  readonly result: "pass" | "fail" | "skip";
  readonly output: string;
  readonly durationMs: number;
}

/** etcd's Go end-to-end suite, compiled, with the programs that it starts. */
export class EtcdSuite {
  readonly #binary: string;
  readonly #programs: string;

  private constructor(binary: string, programs: string) {
    this.#binary = binary;
    this.#programs = programs;
  }

  /** Compiles the suite into `directory` (a minute), to be run against the program `etcd`. */
  static async build(directory: string, etcd: string): Promise<EtcdSuite> {
    const binary = join(directory, "e2e.test");
    const programs = join(directory, "bin");
    await mkdir(programs);
    await symlink(etcd, join(programs, "etcd"));
    await symlink(ETCDCTL, join(programs, "etcdctl"));
    const compiled = await runProgram(
      "go",
      ["test", "-c", "-o", binary, "go.etcd.io/etcd/tests/e2e"],
      {
        env: { GO111MODULE: "off", GOPATH, GOFLAGS: "" },
      },
    );
    if (compiled.code !== 0) throw new Error(`the suite does not compile:\n${compiled.output}`);
    return new EtcdSuite(binary, programs);
  }

  /** Names of all tests. */
  async list(): Promise<readonly string[]> {
    const { output } = await this.#run(["-test.list", ".*"]);
    return output.split("\n").filter((line) => line.startsWith("Test"));
  }

  /** Runs one test by itself, so that none can spoil another. */
  async run(name: string): Promise<TestOutcome> {
    const started = performance.now();
    const { output } = await this.#run(["-test.v", "-test.run", `^${name}$`]);
    const result = output.includes(`--- PASS: ${name} `)
      ? "pass"
      : output.includes(`--- SKIP: ${name} `)
        ? "skip"
        : "fail";
    return { name, result, output, durationMs: performance.now() - started };
  }

  async #run(args: readonly string[]): Promise<ProgramResult> {
    const own = ["-bin-dir", this.#programs, "-cert-dir", FIXTURES];
    const env = { ETCD_API_VERSION: SUITE_VERSION };
    return await runProgram(this.#binary, [...args, ...own], { cwd: SUITE_DIRECTORY, env });
  }
}

interface ProgramResult {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program in a process group of its own, which is gone when this resolves. */
async function runProgram(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string> },
): Promise<ProgramResult> {
  const child = spawn(program, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const timer = setTimeout(() => endGroup(child.pid), TEST_TIMEOUT_MS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  clearTimeout(timer);
  endGroup(child.pid);
  return { code, output };
}

/** Ends what a test has left running: members of a cluster whose test failed. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing of it runs any more.
  }
}
