import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { environmentName, loadConfig } from "./config/load-config.js";
import { type Config, OPTIONS } from "./config/options.js";
import { messageOf, NodeError } from "./errors.js";
import type { FlotillaNode } from "./node.js";
import { VERSION } from "./version.js";

/** What a process that is told to stop takes at most, milliseconds; after that it just ends. */
const DRAIN_LIMIT_MS = 150_000;

interface Invocation {
  readonly flags: Readonly<Record<string, string>>;
  readonly file: string | undefined;
  readonly dev: boolean;
  readonly printConfig: boolean;
}

/** Runs flotillad until it is told to stop. Resolves to the exit code: 0 clean, 1 failed, 2 bad options. */
export async function main(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  let config: Config;
  let invocation: Invocation;
  try {
    invocation = parseArguments(argv);
    config = loadConfig({
      flags: invocation.flags,
      environment,
      ...(invocation.dev ? { defaults: DEV_DEFAULTS } : {}),
      ...(invocation.file === undefined ? {} : { file: invocation.file }),
    });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    report(error);
    return 2;
  }
  if (invocation.printConfig) {
    process.stdout.write(`${JSON.stringify(config, null, 2)}\n`);
    return 0;
  }
  if (config["data-dir"] !== DEV_DEFAULTS["data-dir"]) return await run(config, invocation.dev);
  // A folder that was given is never removed, only the one that is made here.
  const temporary = mkdtempSync(join(tmpdir(), "flotilla-dev-"));
  try {
    return await run({ ...config, "data-dir": temporary }, true);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function parseArguments(argv: readonly string[]): Invocation {
  const command = new Command("flotillad")
    .description("one machine of a Flotilla cluster: store member, engine, agent, API")
    .version(VERSION)
    .option("--config <file>", "JSON file of options")
    .option("--dev", "a cluster of one in a temporary folder, on free ports", false)
    .option("--print-config", "print the settings in force and exit", false)
    .allowExcessArguments(false)
    .exitOverride();
  for (const [name, { help, default: value }] of Object.entries(OPTIONS)) {
    const shown = value === "" ? "" : ` (default ${value})`;
    const isFlag = value === "true" || value === "false";
    const argument = isFlag ? "[value]" : "<value>";
    command.option(`--${name} ${argument}`, `${help}${shown} [${environmentName(name)}]`);
  }
  command.parse(argv, { from: "user" });
  const flags: Record<string, string> = {};
  for (const name of Object.keys(OPTIONS)) {
    const camel = name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    const value: unknown = command.getOptionValue(camel);
    if (typeof value === "string" || value === true) flags[name] = String(value);
  }
  const { config, dev, printConfig } = command.opts<{
    config?: string;
    dev: boolean;
    printConfig: boolean;
  }>();
  return { flags, file: config, dev, printConfig };
}

/** `--dev`: what is not given is temporary and free. */
const DEV_DEFAULTS = {
  "data-dir": "(a temporary folder)",
  "listen-peer": "127.0.0.1:0",
  "listen-client": "127.0.0.1:0",
  "listen-api": "127.0.0.1:0",
  "listen-dns": "127.0.0.1:0",
  "log-level": "warn",
};

async function run(config: Config, dev: boolean): Promise<number> {
  // Loaded only now: a bad option, --help and --version answer without the whole machine.
  const [{ pino }, { createNode }] = await Promise.all([import("pino"), import("./node.js")]);
  const log = pino({ level: config["log-level"], base: { name: config.name } });
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  let node: FlotillaNode;
  try {
    node = await createNode({ config, log, signal: stopping.signal });
  } catch (error) {
    if (error === stopping.signal.reason) return 0;
    report(error);
    return 1;
  }
  if (dev) tellDev(node);
  const stopped = new Promise<void>((resolve) => {
    if (stopping.signal.aborted) resolve();
    else stopping.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  try {
    await Promise.race([stopped, node.failed]);
  } catch (error) {
    // Nothing is drained: the disk can no longer be trusted, and the process must not go on.
    report(error);
    return 1;
  }
  log.info("draining");
  const limit = setTimeout(() => process.exit(1), DRAIN_LIMIT_MS);
  await node.drain();
  clearTimeout(limit);
  log.info("stopped");
  return 0;
}

function tellDev({ apiUrl, dns, socket }: FlotillaNode): void {
  process.stdout.write(
    `flotillad --dev is up: a cluster of one, gone when you stop it (Ctrl-C).

  export FLOTILLA_ENDPOINT=${apiUrl}
  printf '[Service]\\nExecStart=/bin/sh -c "while sleep 1; do date; done"\\n' > /tmp/clock.service
  flotilla start /tmp/clock.service
  flotilla journal -f clock

API socket ${socket}${dns === undefined ? "" : `, DNS ${dns}`}
`,
  );
}

/** One clear error on stderr, with its mend. */
function report(error: unknown): void {
  process.stderr.write(`flotillad: ${messageOf(error)}\n`);
  if (NodeError.is(error) && error.hint !== undefined) {
    process.stderr.write(`  mend: ${error.hint}\n`);
  }
}
