import type { UnitInfo } from "@flotilla/node/api";
import type { Context } from "../context.js";
import { CliError } from "../errors.js";
import { machineLegend } from "../output/output.js";
import { unitArgument } from "../units/unit-source.js";
import { reportStarts } from "./report-starts.js";

/** restart: stops and starts units where they are. */
export async function restart(context: Context, args: readonly string[]): Promise<void> {
  const { api, print, output } = context;
  const started: UnitInfo[] = [];
  for (const arg of args) {
    const { name } = unitArgument(arg).name;
    const { machine, result } = await api.restart(name);
    if (result !== "done") {
      throw new CliError(`restart of ${name} on ${machine.slice(0, 8)}... ended: ${result}`, {
        hint: `flotilla status ${name} tells more`,
      });
    }
    const unit = await api.unit(name);
    if (unit.target !== undefined) {
      started.push(unit);
      continue;
    }
    const ip = (await api.machines()).find(({ id }) => id === machine)?.ip;
    await print(`Unit ${name} launched on ${machineLegend(machine, ip, output.full)}\n`);
  }
  await reportStarts(context, started);
}
