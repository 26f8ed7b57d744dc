import type { MachineInfo, UnitInfo, UnitStateInfo } from "@flotilla/node/api";
import type { Context } from "../context.js";
import { type Columns, machineId, machineLegend, showJson, showRows } from "../output/output.js";

export interface ListOptions {
  readonly fields: string;
}

const hash = (full: boolean, text: string): string => (full ? text : text.slice(0, 7));

/** list-units: the state of every unit on every machine that has it. */
export async function listUnits(context: Context, { fields }: ListOptions): Promise<void> {
  const [states, ips] = await Promise.all([context.api.states(), machineIps(context)]);
  const columns: Columns<UnitStateInfo> = {
    unit: ({ name }) => name,
    machine: ({ machine }, full) => machineLegend(machine, ips.get(machine), full),
    load: ({ load }) => load,
    active: ({ active }) => active,
    sub: ({ sub }) => sub,
    hash: (state, full) => hash(full, state.hash),
  };
  await context.print(showRows(states, columns, split(fields), context.output));
}

/** list-unit-files: every unit of the cluster, what is wanted of it and where it has got to. */
export async function listUnitFiles(context: Context, { fields }: ListOptions): Promise<void> {
  const [units, ips] = await Promise.all([context.api.units(), machineIps(context)]);
  const target = ({ target, global }: UnitInfo, full: boolean): string => {
    if (global) return "global";
    return target === undefined ? "" : machineLegend(target, ips.get(target), full);
  };
  const columns: Columns<UnitInfo> = {
    unit: ({ name }) => name,
    hash: (unit, full) => hash(full, unit.hash),
    dstate: ({ desired }) => desired,
    desired: ({ desired }) => desired,
    state: ({ current }) => current ?? "",
    target,
    tmachine: target,
    desc: ({ description }) => description,
    global: ({ global }) => String(global),
  };
  await context.print(showRows(units, columns, split(fields), context.output));
}

/** list-machines: the machines that are alive. */
export async function listMachines(context: Context, { fields }: ListOptions): Promise<void> {
  const columns: Columns<MachineInfo> = {
    machine: ({ id }, full) => machineId(id, full),
    ip: ({ ip }) => ip,
    metadata: ({ metadata }) =>
      Object.entries(metadata)
        .map(([key, value]) => `${key}=${value}`)
        .sort()
        .join(","),
    name: ({ name }) => name,
    api: ({ api }) => api,
    version: ({ version }) => version,
  };
  const machines = await context.api.machines();
  await context.print(showRows(machines, columns, split(fields), context.output));
}

/** services: what is registered in discovery, an endpoint a line. */
export async function listServices(context: Context, { fields }: ListOptions): Promise<void> {
  const columns: Columns<{ service: string; id: string; host: string; port: number }> = {
    service: ({ service }) => service,
    address: ({ host, port }) => `${host}:${port}`,
    instance: ({ id }) => id,
  };
  const services = await context.api.services();
  if (context.output.json) return context.print(showJson(services));
  const rows = services.flatMap(({ service, endpoints }) =>
    endpoints.map(({ id, host, port }) => ({ service, id, host, port })),
  );
  await context.print(showRows(rows, columns, split(fields), context.output));
}

async function machineIps({ api }: Context): Promise<ReadonlyMap<string, string>> {
  return new Map((await api.machines()).map(({ id, ip }) => [id, ip]));
}

function split(fields: string): string[] {
  return fields.split(",").map((field) => field.trim().toLowerCase());
}
