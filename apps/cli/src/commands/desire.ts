import type { DesiredState, UnitInfo } from "@flotilla/node/api";
import type { Context } from "../context.js";
import { CliError } from "../errors.js";
import { machineLegend } from "../output/output.js";
import { howItFailed, lastLines, watchStarts } from "../units/settle.js";
import {
  readTemplateFile,
  readUnitFile,
  type UnitArgument,
  unitArgument,
} from "../units/unit-source.js";
import { untilReached, type WaitOptions } from "../units/wait.js";

export interface DesireOptions extends WaitOptions {
  readonly block: boolean;
  readonly replace: boolean;
}

/** The words for what a desired state is asked by. */
const VERB: Readonly<Record<DesiredState, string>> = {
  inactive: "unload",
  loaded: "load",
  launched: "start",
};

/** submit, load, start: brings units in where needed, and asks for a state of them. */
export async function bringTo(
  context: Context,
  args: readonly string[],
  desired: DesiredState,
  options: DesireOptions,
): Promise<void> {
  const units: UnitInfo[] = [];
  for (const arg of args) units.push(await put(context, unitArgument(arg), desired, options));
  await report(context, units, desired, options);
}

/** stop, unload: asks for a state of units that are there. */
export async function takeTo(
  context: Context,
  args: readonly string[],
  desired: DesiredState,
  options: DesireOptions & { readonly verb: string },
): Promise<void> {
  const units: UnitInfo[] = [];
  for (const arg of args) {
    const { name } = unitArgument(arg);
    units.push((await context.api.put(name.name, { desired })).unit);
  }
  await report(context, units, desired, options, options.verb);
}

/**
 * The content is the local file's, else the template's in the cluster, else a local template's:
 * fleetctl's order. A unit of the cluster that differs from the local file is kept without --replace.
 */
async function put(
  context: Context,
  unit: UnitArgument,
  desired: DesiredState,
  { replace }: DesireOptions,
): Promise<UnitInfo> {
  const { api, warn } = context;
  const { name } = unit.name;
  const known = await api.findUnit(name);
  // Submitting a unit that is there must not stop it.
  const wanted = desired === "inactive" && known !== undefined ? known.desired : desired;
  const file = readUnitFile(unit);
  if (file !== undefined && (known === undefined || replace || known.content === file)) {
    return tellWarnings(context, await api.put(name, { content: file, desired: wanted, replace }));
  }
  if (known !== undefined) {
    if (file !== undefined) {
      warn(
        `WARNING: unit ${name} in the cluster differs from ${unit.path}; --replace takes the file`,
      );
    }
    return (await api.put(name, { desired: wanted })).unit;
  }
  return tellWarnings(context, await putFromTemplate(context, unit, wanted));
}

async function putFromTemplate({ api }: Context, unit: UnitArgument, desired: DesiredState) {
  const { name, template } = unit.name;
  const inCluster = template === undefined ? undefined : await api.findUnit(template);
  const content = inCluster?.content ?? readTemplateFile(unit);
  if (content === undefined) {
    const also = template === undefined ? "" : `, nor its template ${template}`;
    throw new CliError(`unit ${name} is neither in the cluster nor a file at ${unit.path}${also}`, {
      code: "unknown-unit",
      hint: "give the path of its unit file",
    });
  }
  return api.put(name, { content, desired });
}

function tellWarnings(
  { warn }: Context,
  { unit, warnings }: { readonly unit: UnitInfo; readonly warnings: readonly string[] },
): UnitInfo {
  for (const warning of warnings) warn(warning);
  return unit;
}

async function report(
  context: Context,
  units: readonly UnitInfo[],
  desired: DesiredState,
  options: DesireOptions,
  verb: string = VERB[desired],
): Promise<void> {
  const { print } = context;
  const started: UnitInfo[] = [];
  for (const unit of units) {
    if (desired === "inactive" && verb === "unload" && unit.desired !== "inactive") continue;
    if (unit.global) await print(`Triggered global unit ${unit.name} ${verb}\n`);
    else if (!options.block) await print(`Triggered unit ${unit.name} ${verb}\n`);
    else {
      const now = await untilReached(context, unit.name, unit.desired, options);
      if (desired === "launched") started.push(now);
      else await print(`Unit ${unit.name} ${unit.desired}${await place(context, now)}\n`);
    }
  }
  if (started.length > 0) await reportStarts(context, started);
}

/** fleetctl calls launched what was told to start; here, what failed at once is an error. */
async function reportStarts(context: Context, units: readonly UnitInfo[]): Promise<void> {
  const states = await watchStarts(context, units);
  const failures: CliError[] = [];
  for (const unit of units) {
    const state = states.get(unit.name);
    if (state?.active === "failed") {
      failures.push(await failure(context, unit));
      continue;
    }
    await context.print(`Unit ${unit.name} launched${await place(context, unit)}\n`);
    if (state?.sub === "auto-restart") {
      const often = `restarted ${state.restarts} times so far`;
      context.warn(`WARNING: unit ${unit.name} ends and is started again, ${often}`);
    }
  }
  const [first, ...others] = failures;
  if (first === undefined) return;
  for (const { message, details } of others) {
    context.warn([message, ...details.map((detail) => `  ${detail}`)].join("\n"));
  }
  throw first;
}

async function failure(context: Context, unit: UnitInfo): Promise<CliError> {
  const { name } = unit;
  const report = (await context.api.status(name)).find(({ machine }) => machine === unit.target);
  const how = report === undefined ? "its machine does not answer" : howItFailed(report);
  return new CliError(`${name} failed${await place(context, unit)}: ${how}`, {
    code: "unit-failed",
    details: report === undefined ? [] : lastLines(report),
    hint: `flotilla status ${name} tells more; flotilla restart ${name} tries again`,
  });
}

/** ` on 113f16a7.../172.17.8.101`; nothing for a unit without a machine. */
async function place({ api, output }: Context, { target }: UnitInfo): Promise<string> {
  if (target === undefined) return "";
  const ip = (await api.machines()).find(({ id }) => id === target)?.ip;
  return ` on ${machineLegend(target, ip, output.full)}`;
}
