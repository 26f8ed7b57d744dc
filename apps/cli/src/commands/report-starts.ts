import type { UnitInfo } from "@flotilla/node/api";
import type { Context } from "../context.js";
import { CliError } from "../errors.js";
import { machineLegend } from "../output/output.js";
import { howItFailed, lastLines, watchStarts } from "../units/settle.js";

/** fleetctl calls launched what was told to start; here, what failed at once is an error. */
export async function reportStarts(context: Context, units: readonly UnitInfo[]): Promise<void> {
  if (units.length === 0) return;
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
export async function place({ api, output }: Context, { target }: UnitInfo): Promise<string> {
  if (target === undefined) return "";
  const ip = (await api.machines()).find(({ id }) => id === target)?.ip;
  return ` on ${machineLegend(target, ip, output.full)}`;
}
