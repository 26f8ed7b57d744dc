import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { Supervisor } from "@flotilla/supervisor";
import { messageOf, NodeError } from "../errors.js";
import type { ClusterView } from "../registry/cluster-view.js";
import { unknownUnit } from "../registry/registry.js";
import { sendJson } from "./http-errors.js";
import type { Call, Router } from "./router.js";
import {
  API_PREFIX,
  type JournalLine,
  type RestartResult,
  type UnitStatusReport,
} from "./types.js";
import type { UnitReader } from "./unit-info.js";
import { unitName } from "./unit-routes.js";

export interface MachineRoutesOptions {
  readonly view: ClusterView;
  readonly supervisor: Supervisor;
  readonly reader: UnitReader;
  readonly machineId: string;
  readonly publicIp: string;
}

/** Lines of journal that a status report carries. */
const STATUS_LINES = 10;
/** Between two signs of life of a journal that is followed, milliseconds. */
const KEEPALIVE_MS = 60_000;
/** How long another machine may take to begin its answer, milliseconds. */
const PEER_TIMEOUT_MS = 5_000;

/**
 * What only the machine that runs a unit can tell or do: status, journal, restart. Each is served
 * under `/local/` by that machine, and any machine passes the public form on to it.
 */
export function machineRoutes(router: Router, options: MachineRoutesOptions): void {
  router
    .on("GET", `${API_PREFIX}/local/units/:name/status`, (call) => localStatus(call, options))
    .on("GET", `${API_PREFIX}/local/units/:name/journal`, (call) => localJournal(call, options))
    .on("POST", `${API_PREFIX}/local/units/:name/restart`, (call) => localRestart(call, options))
    .on("GET", `${API_PREFIX}/units/:name/status`, async (call) => {
      const machines = machinesOf(call, options);
      const reports = await whoAnswers(
        machines.map((machine) => askMachine<UnitStatusReport>(call, options, machine, "status")),
      );
      sendJson(call.response, 200, reports);
    })
    .on("GET", `${API_PREFIX}/units/:name/journal`, (call) => journal(call, options))
    .on("POST", `${API_PREFIX}/units/:name/restart`, async (call) => {
      const results: RestartResult[] = [];
      for (const machine of machinesOf(call, options)) {
        results.push(await askMachine<RestartResult>(call, options, machine, "restart"));
      }
      const failed = results.find(({ result }) => result !== "done");
      sendJson(call.response, 200, failed ?? results[0]);
    });
}

async function localStatus(call: Call, options: MachineRoutesOptions): Promise<void> {
  const { supervisor, machineId, publicIp } = options;
  const { name } = unitName(call.parameters);
  const status = await supervisor.status(name);
  if (status === undefined) throw notHereYet(name);
  const lines: JournalLine[] = [];
  for await (const entry of supervisor.journal(name, { lines: STATUS_LINES })) {
    lines.push({ machine: machineId, ...entry });
  }
  const { stateChangedAt, diagnostics: _, ...rest } = status;
  const report: UnitStatusReport = {
    machine: machineId,
    ip: publicIp,
    ...rest,
    changedAt: stateChangedAt,
    journal: lines,
  };
  sendJson(call.response, 200, report);
}

async function localRestart(call: Call, options: MachineRoutesOptions): Promise<void> {
  const { name } = unitName(call.parameters);
  if (options.view.desired.get(name)?.value.state !== "launched") {
    throw new NodeError("not-launched", `unit ${name} is not wanted to run`, {
      hint: `flotilla start ${name}`,
    });
  }
  if ((await options.supervisor.status(name)) === undefined) throw notHereYet(name);
  const result = await options.supervisor.restart(name);
  sendJson(call.response, 200, { machine: options.machineId, result } satisfies RestartResult);
}

async function localJournal(call: Call, options: MachineRoutesOptions): Promise<void> {
  const { response, query, signal } = call;
  const { name } = unitName(call.parameters);
  const entries = options.supervisor.journal(name, {
    ...numberOption(query, "lines", "lines"),
    ...numberOption(query, "after", "afterCursor"),
    ...numberOption(query, "since", "sinceMs"),
    follow: query.get("follow") === "true",
    signal,
  });
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  response.flushHeaders();
  // An empty line now and then keeps a quiet stream from being taken for a dead one on its way.
  const sign = setInterval(() => response.write("\n"), KEEPALIVE_MS);
  try {
    for await (const entry of entries) {
      await write(response, { machine: options.machineId, ...entry }, signal);
      if (signal.aborted) return;
    }
    response.end();
  } finally {
    clearInterval(sign);
  }
}

/** One machine's journal passed through, or those of all machines of a global unit one after the other's lines. */
async function journal(call: Call, options: MachineRoutesOptions): Promise<void> {
  const machines = machinesOf(call, options);
  const [only, ...others] = machines;
  if (only === options.machineId && others.length === 0) return localJournal(call, options);
  const bodies = await whoAnswers(
    machines.map((machine) => openPeer(call, options, machine, `journal?${call.query}`)),
  );
  call.response.writeHead(200, { "content-type": "application/x-ndjson" });
  call.response.flushHeaders();
  await Promise.all(bodies.map((body) => passLines(body, call)));
  call.response.end();
}

/** Whole lines only, so that several machines' lines never mix. */
async function passLines(body: Response, { response, signal }: Call): Promise<void> {
  if (body.body === null) return;
  let rest = "";
  for await (const chunk of Readable.fromWeb(body.body as never).setEncoding("utf8")) {
    rest += chunk as string;
    const end = rest.lastIndexOf("\n") + 1;
    if (end === 0) continue;
    const room = response.write(rest.slice(0, end));
    rest = rest.slice(end);
    if (!room) await once(response, "drain", { signal });
  }
}

/** A machine that just died must not hide what the others tell: an error only when none answers. */
async function whoAnswers<T>(asked: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(asked);
  const answers = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const failure = settled.find((each) => each.status === "rejected");
  if (answers.length === 0 && failure !== undefined) throw failure.reason;
  return answers;
}

function machinesOf(call: Call, { reader, view }: MachineRoutesOptions): string[] {
  const { name } = unitName(call.parameters);
  if (!view.units.has(name)) throw unknownUnit(name);
  const machines = reader.machinesOf(name);
  if (machines.length === 0) {
    throw new NodeError("not-found", `unit ${name} is on no machine`, {
      hint: `start it, or ask why: flotilla explain ${name}`,
    });
  }
  return machines;
}

async function askMachine<T>(
  call: Call,
  options: MachineRoutesOptions,
  machine: string,
  what: string,
): Promise<T> {
  const response = await openPeer(call, options, machine, what);
  return (await response.json()) as T;
}

async function openPeer(
  call: Call,
  { view }: MachineRoutesOptions,
  machine: string,
  what: string,
): Promise<Response> {
  const { name } = unitName(call.parameters);
  const record = view.machines.get(machine)?.value;
  if (record === undefined) {
    throw new NodeError("machine-unreachable", `machine ${machine} is gone`);
  }
  const url = `${record.api}${API_PREFIX}/local/units/${encodeURIComponent(name)}/${what}`;
  const headersIn = AbortSignal.timeout(what === "restart" ? 200_000 : PEER_TIMEOUT_MS);
  const gone = new AbortController();
  const giveUp = (): void => gone.abort();
  headersIn.addEventListener("abort", giveUp);
  call.signal.addEventListener("abort", giveUp);
  let response: Response;
  try {
    response = await fetch(url, { method: call.request.method ?? "GET", signal: gone.signal });
  } catch (error) {
    throw new NodeError("machine-unreachable", `${record.name} (${url}): ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    headersIn.removeEventListener("abort", giveUp);
  }
  if (response.ok) return response;
  const body = (await response.json().catch(() => undefined)) as
    | { error?: { message?: string } }
    | undefined;
  throw new NodeError(
    response.status === 404 ? "not-found" : "machine-unreachable",
    `${record.name}: ${body?.error?.message ?? response.statusText}`,
  );
}

function notHereYet(name: string): NodeError {
  return new NodeError("not-found", `unit ${name} is not loaded on its machine yet`, {
    hint: "it was just scheduled there; try again in a moment",
  });
}

function numberOption(query: URLSearchParams, name: string, option: string) {
  const text = query.get(name);
  if (text === null) return {};
  if (!/^\d{1,15}$/.test(text)) {
    throw new NodeError("bad-request", `${name}="${text}" must be a number`);
  }
  return { [option]: Number(text) };
}

async function write(response: ServerResponse, line: JournalLine, signal: AbortSignal) {
  if (response.write(`${JSON.stringify(line)}\n`)) return;
  await once(response, "drain", { signal }).catch(() => undefined);
}
