import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../cluster/executables.js";
import { FlotillaCluster, type Member } from "../cluster/flotilla-cluster.js";
import { isFree } from "../process/ports.js";
import { waitFor } from "../process/wait-for.js";
import { askWeb, failOver } from "./failover.js";
import { bold, dim, say, step } from "./progress.js";
import { prepareWebUnit, TEMPLATE } from "./web-unit.js";

/** Fixed, so that a second start finds the data of the first, and what is told to type stays true. */
const PORTS = [1, 2, 3].map((i) => ({
  client: 23_790 + i,
  peer: 23_800 + i,
  api: 49_152 + i,
  dns: 23_530 + i,
}));
const INSTANCES = ["web@1.service", "web@2.service"];
const portOf = (unit: string): number => 18_080 + Number(unit.charAt(4));

const HELP = `npm start [-- OPTIONS]

  --demo-failover   kill a member, show how long its unit takes to move, then stop
  --fresh           forget the data of earlier runs first
`;

/** The main job: a cluster that runs a real unit and survives a member's death. Resolves to the exit code. */
export async function demo(args: readonly string[]): Promise<number> {
  const known = ["--demo-failover", "--fresh"];
  const unknown = args.find((arg) => !known.includes(arg));
  if (unknown !== undefined) {
    process.stdout.write(HELP);
    return unknown === "--help" ? 0 : 2;
  }
  const directory = join(REPOSITORY, ".flotilla/demo");
  if (args.includes("--fresh")) rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  if (!(await portsAreFree())) return 1;
  const cluster = await FlotillaCluster.create({ directory, ports: PORTS, clusterId: "demo" });
  const stopping = stopOnSignal();
  const work = async (): Promise<void> => {
    await runWeb(cluster, directory);
    if (args.includes("--demo-failover")) return demoFailover(cluster);
    await tellHowToUse(cluster, directory);
    await stopping;
  };
  try {
    await Promise.race([work(), stopping]);
  } catch (error) {
    say();
    say(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
    say(`Logs: ${relative(directory)}/n1.log, n2.log, n3.log`);
    return 1;
  } finally {
    await step("stopping the members", () => cluster.stopAll());
  }
  say(dim(`The data stays in ${relative(directory)}: the next npm start finds it.`));
  return 0;
}

async function runWeb(cluster: FlotillaCluster, directory: string): Promise<void> {
  say(bold("Three flotillad processes, each a machine with a data directory"));
  await step("starting n1, n2, n3 and waiting for a leader", () => cluster.startAll());
  const [first] = cluster.members as [Member];
  const before = await first.api.units();
  if (before.length > 0) {
    say(dim(`  found ${before.length} units of an earlier run`));
  }
  const { path, content } = prepareWebUnit(join(directory, "units"));
  await step(`submitting ${relative(path)}`, () =>
    first.api.put(TEMPLATE, { content, desired: "inactive", replace: true }),
  );
  await step("starting web@1 and web@2 (Conflicts= keeps them apart)", async () => {
    for (const name of INSTANCES) {
      await first.api.put(name, { content, desired: "launched", replace: true });
    }
    await Promise.all(INSTANCES.map((name) => untilActive(first, name)));
  });
  await step("finding the endpoints through discovery and asking them over HTTP", async () => {
    const { endpoints } = await waitFor("both endpoints", async () => {
      const info = await first.api.service("web");
      return info.endpoints.length === INSTANCES.length && info;
    });
    await Promise.all(endpoints.map(({ port }) => waitFor("an answer", () => askWeb(port))));
  });
  await showUnits(cluster, first);
}

async function untilActive(member: Member, name: string): Promise<void> {
  await waitFor(`${name} to run`, async () => {
    const unit = await member.api.unit(name);
    return unit.states.some(({ active, hash }) => active === "active" && hash === unit.hash);
  });
}

async function showUnits(cluster: FlotillaCluster, member: Member): Promise<void> {
  const machines = new Map((await member.api.machines()).map(({ id, name }) => [id, name]));
  const states = await member.api.states();
  for (const { name, machine, active, sub } of states.filter(({ name }) =>
    INSTANCES.includes(name),
  )) {
    const { pid } = await waitFor(`${name} to answer`, () => askWeb(portOf(name)));
    const where = machines.get(machine) ?? machine;
    say(`    ${name}  ${where}  ${active}/${sub}  http://127.0.0.1:${portOf(name)}  pid ${pid}`);
  }
  const leader = (await member.api.cluster()).store.leader;
  say(dim(`    store leader ${leader}, members ${cluster.members.map((m) => m.name).join(" ")}`));
}

async function demoFailover(cluster: FlotillaCluster): Promise<void> {
  const [unit] = INSTANCES as [string];
  say();
  say(bold(`Killing (SIGKILL) the member that runs ${unit}`));
  const { from, to, milliseconds } = await failOver(cluster, unit, portOf(unit));
  say(
    `    ${unit} moved from ${from.name} to ${to.name} and answers again: ${bold(`${(milliseconds / 1_000).toFixed(1)} s`)} after the kill`,
  );
  await step(`starting ${from.name} again`, async () => {
    from.start();
    await from.ready();
  });
  await showUnits(cluster, from);
}

async function tellHowToUse(cluster: FlotillaCluster, directory: string): Promise<void> {
  const [first] = cluster.members as [Member];
  const unit = INSTANCES[1] as string;
  const victim = await cluster.byMachine((await first.api.unit(unit)).target ?? "");
  const endpoints = cluster.members.map(({ api }) => api.url).join(",");
  say(`
${bold("The cluster is running.")} In another terminal, in this folder:

  export FLOTILLA_ENDPOINT=${endpoints}
  npm run -s flotilla -- list-machines
  npm run -s flotilla -- list-units
  npm run -s flotilla -- status web@1
  npm run -s flotilla -- journal -f web@2
  npm run -s flotilla -- kv put greeting hello
  curl http://127.0.0.1:${portOf("web@1.service")}/
  dig @127.0.0.1 -p ${first.ports.dns} web.flotilla.local SRV      ${dim("(Debian package dnsutils)")}
  ETCDCTL_API=3 etcdctl --endpoints ${first.clientUrl} endpoint status      ${dim("(Debian package etcd-client)")}

${bold(`Kill a member and see its unit move`)}: ${victim.name} runs ${unit}

  kill -9 ${victim.process.pid}
  sleep 7; npm run -s flotilla -- list-units

Logs are in ${relative(directory)}/*.log. ${bold("To stop: Ctrl-C here")}, or kill ${process.pid}.
`);
}

async function portsAreFree(): Promise<boolean> {
  for (const port of PORTS.flatMap((each) => Object.values(each))) {
    if (await isFree(port)) continue;
    say(`Port ${port} of 127.0.0.1 is in use: is the demo running already, in another terminal?`);
    say("Stop it there with Ctrl-C, or stop what listens on that port, then try again.");
    return false;
  }
  return true;
}

function stopOnSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      // Again and again: the second Ctrl-C must not end this before its members are stopped.
      process.on(signal, () => resolve());
    }
  });
}

function relative(path: string): string {
  return path.startsWith(REPOSITORY) ? path.slice(REPOSITORY.length + 1) : path;
}
