import type { KeyValuePair } from "@flotilla/kv";
import type { Context } from "../context.js";
import { CliError } from "../errors.js";
import { showJson } from "../output/output.js";

export interface KvOptions {
  readonly prefix: boolean;
}

/** Loaded when asked for: most commands need no gRPC, and start faster without. */
async function openStore({ api }: Context) {
  const { connect } = await import("@flotilla/kv/client");
  const { store } = await api.cluster();
  const all = store.members.flatMap(({ clientUrls }) => clientUrls);
  return connect({ endpoints: [...new Set([...store.endpoints, ...all])] });
}

/** kv get: key and value, a line each, as etcdctl. */
export async function kvGet(
  context: Context,
  key: string,
  { prefix, valueOnly }: KvOptions & { readonly valueOnly: boolean },
): Promise<void> {
  await using store = await openStore(context);
  const { kvs, revision } = await store.range(key, { prefix });
  if (context.output.json) {
    await context.print(showJson({ revision, kvs: kvs.map(jsonPair) }));
  } else {
    for (const kv of kvs) await context.print(pairText(kv, valueOnly));
  }
  if (kvs.length === 0 && !prefix) {
    throw new CliError(`key "${key}" is not there`, { code: "not-found" });
  }
}

/** kv put. */
export async function kvPut(context: Context, key: string, value: string): Promise<void> {
  await using store = await openStore(context);
  const { revision } = await store.put(key, value);
  await context.print(context.output.json ? showJson({ revision }) : "OK\n");
}

/** kv del: tells how many keys it deleted. */
export async function kvDelete(
  context: Context,
  key: string,
  { prefix }: KvOptions,
): Promise<void> {
  await using store = await openStore(context);
  const { deleted, revision } = await store.delete(key, { prefix });
  await context.print(context.output.json ? showJson({ revision, deleted }) : `${deleted}\n`);
}

/** kv watch: PUT or DELETE, key and value, as etcdctl; one JSON object a line with `-o json`. */
export async function kvWatch(
  context: Context,
  key: string,
  { prefix, revision }: KvOptions & { readonly revision: string | undefined },
): Promise<void> {
  if (revision !== undefined && !/^\d+$/.test(revision)) {
    throw new CliError(`--rev: "${revision}" is no revision`, { exitCode: 2 });
  }
  await using store = await openStore(context);
  const start = revision === undefined ? {} : { startRevision: Number(revision) };
  for await (const { events } of store.watch(key, { prefix, ...start })) {
    for (const { type, kv } of events) {
      await context.print(
        context.output.json
          ? `${JSON.stringify({ type, ...jsonPair(kv) })}\n`
          : `${type.toUpperCase()}\n${pairText(kv, false)}`,
      );
    }
  }
}

function pairText({ key, value }: KeyValuePair, valueOnly: boolean): string {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
  return valueOnly ? `${text(value)}\n` : `${text(key)}\n${text(value)}\n`;
}

function jsonPair(kv: KeyValuePair) {
  return {
    key: Buffer.from(kv.key).toString("utf8"),
    value: Buffer.from(kv.value).toString("utf8"),
    createRevision: kv.createRevision,
    modRevision: kv.modRevision,
    version: kv.version,
    lease: kv.lease.toString(16),
  };
}
