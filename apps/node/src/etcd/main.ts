import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { StoreMember } from "@flotilla/kv";
import { API_VERSION, KvError, startMember } from "@flotilla/kv";
import type { Logger } from "pino";
import { pino } from "pino";
import { memberOptions } from "./config.js";
import type { Flags } from "./flags.js";
import { helpText, ignoredFlags, isTrue, parseFlags, UsageError } from "./flags.js";
import { parseGateway, startGateway } from "./gateway.js";

/** Between two looks at whether the cluster knows this member, in milliseconds. */
const PUBLISHED_CHECK_MS = 25;

const LEVELS: Readonly<Record<string, string>> = { panic: "fatal" };

/** Structured lines on stderr with etcd's field names, written at once: nothing is lost at the end. */
function createLogger(level: string): Logger {
  return pino(
    {
      level: LEVELS[level] ?? level,
      base: null,
      messageKey: "msg",
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

/**
 * The `etcd` command: a store member alone, started with etcd's flags and `ETCD_*` variables.
 * Resolves to the exit status: 0 after a signal, 1 when the member could not start or go on,
 * 2 for a command line that cannot be taken.
 */
export async function main(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  try {
    if (argv[0] === "gateway") return await runGateway(argv.slice(1));
    const flags = parseFlags(argv, env);
    if (isTrue(flags.help) || isTrue(flags.h)) {
      process.stdout.write(helpText());
      return 0;
    }
    if (isTrue(flags.version)) {
      process.stdout.write(
        `etcd Version: ${API_VERSION} (Flotilla)\nNode Version: ${process.version}\n`,
      );
      return 0;
    }
    return await run(flags);
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  const usage = error instanceof UsageError;
  const known = usage || KvError.is(error);
  const text = known ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`etcd: ${text}\n`);
  return usage || (KvError.is(error) && error.code === "invalid-options") ? 2 : 1;
}

/** `etcd gateway`: until a signal. */
async function runGateway(argv: readonly string[]): Promise<number> {
  const log = createLogger("info");
  const signalled = firstSignal();
  const options = parseGateway(argv);
  const gateway = await startGateway(options);
  log.info(
    { address: gateway.address, endpoints: options.endpoints },
    "ready to proxy client requests",
  );
  log.info({ signal: await signalled }, "received signal; shutting down");
  gateway.stop();
  return 0;
}

async function run(flags: Flags): Promise<number> {
  const level = flags["log-level"] ?? "info";
  if (!["debug", "info", "warn", "error", "panic", "fatal"].includes(level)) {
    throw new UsageError(`-log-level "${level}" is unknown`);
  }
  const options = memberOptions(flags);
  const log = createLogger(level);
  const ignored = ignoredFlags(flags);
  if (ignored.length > 0) log.warn({ flags: ignored }, "flags without effect here");

  const signalled = firstSignal();
  const member = await startMember({
    ...options,
    onForced: ({ done, clusterId, removed, uncommitted }) => {
      const lost = removed.map(({ name, id }) => name || id.toString(16));
      const what = done ? "forced a new cluster" : "forced a new cluster before: nothing done";
      log.warn({ "cluster-id": clusterId.toString(16), removed: lost, uncommitted }, what);
    },
  });
  log.info(
    {
      name: member.name,
      "member-id": member.memberId.toString(16),
      "cluster-id": member.clusterId.toString(16),
      "listen-client-urls": options.listenClientUrls,
      "listen-peer-urls": options.listenPeerUrls,
    },
    "started member",
  );
  try {
    return await serve(member, log, signalled, options.apiVersion ?? API_VERSION);
  } finally {
    await member.stop();
  }
}

async function serve(
  member: StoreMember,
  log: Logger,
  signalled: Promise<string>,
  version: string,
): Promise<number> {
  const waiting = new AbortController();
  const ready = published(member, waiting.signal).then(() => "ready" as const);
  const first = await Promise.race([ready, signalled, member.failed]);
  if (first === "ready") {
    const minor = version.split(".").slice(0, 2).join(".");
    log.info({ "cluster-version": minor }, `enabled capabilities for version ${minor}`);
    log.info({ name: member.name }, "published local member to cluster through raft");
    log.info({ address: member.clientUrls }, "ready to serve client requests");
  }
  const signal = first === "ready" ? await Promise.race([signalled, member.failed]) : first;
  ready.catch(() => {});
  waiting.abort();
  log.info({ signal }, "received signal; shutting down");
  return 0;
}

/** Resolves once there is a leader and the cluster knows this member's name, as etcd's is ready then. */
async function published(member: StoreMember, signal: AbortSignal): Promise<void> {
  await member.ready({ signal });
  const isKnown = (): boolean =>
    member.status().members.some(({ id, name }) => id === member.memberId && name === member.name);
  while (!isKnown()) await sleep(PUBLISHED_CHECK_MS, undefined, { signal });
}

/** Listens for no other signal once there was one. */
async function firstSignal(): Promise<string> {
  const heard = new AbortController();
  const wait = async (name: string): Promise<string> => {
    await once(process, name, { signal: heard.signal });
    return name;
  };
  try {
    return await Promise.race(["SIGTERM", "SIGINT"].map(wait));
  } finally {
    heard.abort();
  }
}
