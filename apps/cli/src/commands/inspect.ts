import type { JournalLine, UnitStatusReport } from "@flotilla/node/api";
import type { Context } from "../context.js";
import { CliError } from "../errors.js";
import { machineLegend, showJson } from "../output/output.js";
import { ago, bytes, longTime, shortTime } from "../output/times.js";
import { unitArgument } from "../units/unit-source.js";

/** cat: a unit file, byte for byte. */
export async function cat({ api, print }: Context, arg: string): Promise<void> {
  await print((await api.unit(unitArgument(arg).name.name)).content);
}

/** status: as systemctl's, from every machine that has the unit. */
export async function status(context: Context, args: readonly string[]): Promise<void> {
  const reports: UnitStatusReport[] = [];
  let failure: unknown;
  for (const arg of args) {
    try {
      reports.push(...(await context.api.status(unitArgument(arg).name.name)));
    } catch (error) {
      // The others are told first, as systemctl does.
      failure ??= error;
    }
  }
  if (context.output.json) await context.print(showJson(reports));
  else await context.print(reports.map(statusText).join("\n"));
  if (failure !== undefined) throw failure;
}

function statusText(report: UnitStatusReport): string {
  const { name, description, active, sub, result, load } = report;
  const why = result === "success" ? "" : ` (Result: ${result})`;
  const lines = [
    `${active === "failed" ? "×" : active === "active" ? "●" : "○"} ${name}${description ? ` - ${description}` : ""}`,
    `     Loaded: ${load}`,
    `     Active: ${active} (${sub})${why} since ${longTime(report.changedAt)}; ${ago(Date.now() - report.changedAt)} ago`,
    `    Machine: ${machineLegend(report.machine, report.ip, false)}`,
  ];
  if (report.mainPid > 0) lines.push(`   Main PID: ${report.mainPid}`);
  else if (report.exitSignal) lines.push(`    Process: killed by ${report.exitSignal}`);
  else if (report.exitCode !== undefined)
    lines.push(`    Process: exited, status ${report.exitCode}`);
  if (report.statusText) lines.push(`     Status: "${report.statusText}"`);
  if (report.restarts > 0) lines.push(`   Restarts: ${report.restarts}`);
  if (report.tasks !== undefined) lines.push(`      Tasks: ${report.tasks}`);
  if (report.memoryBytes !== undefined) lines.push(`     Memory: ${bytes(report.memoryBytes)}`);
  if (report.cpuUsec !== undefined)
    lines.push(`        CPU: ${(report.cpuUsec / 1_000_000).toFixed(3)}s`);
  const journal = report.journal.map((line) => journalText(line, "short"));
  return `${[...lines, "", ...journal].join("\n")}\n`;
}

export interface JournalCommandOptions {
  readonly lines: string;
  readonly follow: boolean;
  readonly output: string;
}

const FORMATS = ["short", "short-iso", "cat", "json"] as const;
type Format = (typeof FORMATS)[number];

/** journal: the last lines of a unit, and with --follow those to come. */
export async function journal(
  { api, print }: Context,
  arg: string,
  { lines, follow, output }: JournalCommandOptions,
): Promise<void> {
  const format = FORMATS.find((each) => each === output);
  if (format === undefined) {
    throw new CliError(`--output: there is no format "${output}"`, {
      hint: `there are ${FORMATS.join(", ")}`,
      exitCode: 2,
    });
  }
  if (lines !== "all" && !/^\d+$/.test(lines)) {
    throw new CliError(`--lines: "${lines}" is neither a number nor "all"`, { exitCode: 2 });
  }
  const query = { follow, ...(lines === "all" ? {} : { lines: Number(lines) }) };
  for await (const line of api.journal(unitArgument(arg).name.name, query)) {
    await print(`${journalText(line, format)}\n`);
  }
}

function journalText(line: JournalLine, format: Format): string {
  if (format === "json") return JSON.stringify(line);
  if (format === "cat") return line.message;
  const time =
    format === "short" ? shortTime(line.timestamp) : new Date(line.timestamp).toISOString();
  const pid = line.pid > 0 ? `[${line.pid}]` : "";
  return `${time} ${line.machine.slice(0, 8)} ${line.identifier}${pid}: ${line.message}`;
}

/** explain: where a unit runs or why nowhere, machine by machine. */
export async function explain({ api, print, output }: Context, arg: string): Promise<void> {
  const explanation = await api.explain(unitArgument(arg).name.name);
  if (output.json) return print(showJson(explanation));
  const { unit, target, reason, machines } = explanation;
  const where = target === undefined ? "has no machine" : `is on ${target.slice(0, 8)}...`;
  const lines = machines.map(({ machine, fits, reasons, choice, load }) => {
    const order = choice === undefined ? "" : `, choice ${choice}`;
    const verdict = fits ? `fits${order}, ${load} units there` : reasons.join("; ");
    return `  ${machine.slice(0, 8)}...  ${verdict}`;
  });
  await print(`${[`${unit} ${where}: ${reason}`, ...lines].join("\n")}\n`);
}

/** cluster: who is there and who leads. */
export async function cluster({ api, print, output }: Context): Promise<void> {
  const info = await api.cluster();
  if (output.json) return print(showJson(info));
  const { store, engine, dns } = info;
  const lines = [
    `cluster   ${info.clusterId}`,
    `answered  ${info.name} (${info.machine.slice(0, 8)}...), version ${info.version}`,
    `store     ${store.kind}, leader ${store.leader ?? "unknown"}, ${store.endpoints.join(",")}`,
    `engine    ${engine === undefined ? "no leader" : `${engine.slice(0, 8)}...`}`,
    ...(dns === undefined ? [] : [`dns       ${dns}, domain ${info.domain}`]),
  ];
  await print(`${lines.join("\n")}\n`);
}
