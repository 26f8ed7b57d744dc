import type { DesiredState, UnitInfo } from "@flotilla/node/api";
import type { Context } from "../context.js";
import { CliError } from "../errors.js";
import {
  readTemplateFile,
  readUnitFile,
  type UnitArgument,
  unitArgument,
} from "../units/unit-source.js";
import { untilReached, type WaitOptions } from "../units/wait.js";
import { place, reportStarts } from "./report-starts.js";

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
    const { name } = unitArgument(arg).name;
    const known = await context.api.unit(name);
    // Stopping what is on no machine would only bring it to one.
    if (desired === "loaded" && known.desired === "inactive") {
      throw new CliError(`unit ${name} is not loaded, so there is nothing to stop`, {
        code: "not-loaded",
      });
    }
    units.push((await context.api.put(name, { desired })).unit);
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
    if (known?.current === "launched" && known.content !== file && wanted === "launched") {
      warn(`unit ${name} runs: it is stopped and started with the new content`);
    }
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
  try {
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
  } finally {
    // Those before one that was waited for in vain did start.
    await reportStarts(context, started);
  }
}
