import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FlotillaCluster, type Member } from "../cluster/flotilla-cluster.js";
import { waitFor } from "../process/wait-for.js";

const ROUNDS = Number(process.env["ROUNDS"] ?? 5);
const UNIT = "sleeper.service";
const CONTENT = "[Service]\nExecStart=/bin/sleep 100000\n";

type Role = "follower" | "leader";

/**
 * `npm run bench:failover -w @flotilla/harness`: seconds from the SIGKILL of the member that runs a
 * unit until another machine reports it active; for a follower and for the leader of the store.
 */
async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "flotilla-failover-"));
  try {
    await using cluster = await FlotillaCluster.start({ directory });
    for (const role of ["follower", "leader"] as const) {
      const seconds: number[] = [];
      for (let i = 0; i < ROUNDS; i++) seconds.push(await round(cluster, role));
      const all = seconds.map((value) => value.toFixed(2)).join(" ");
      const middle = [...seconds].sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN;
      console.log(`${role} killed: median ${middle.toFixed(2)} s of ${ROUNDS} (${all})`);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Brings the unit to a member of that role, kills the member, and starts it again afterwards. */
async function round(cluster: FlotillaCluster, role: Role): Promise<number> {
  const victim = await placeOn(cluster, role);
  const machine = await victim.machineId();
  const start = performance.now();
  await victim.kill();
  const witness = cluster.other(victim);
  await waitFor("the unit to run elsewhere", async () => {
    const now = await runsOn(witness);
    return now !== undefined && now !== machine;
  });
  const seconds = (performance.now() - start) / 1_000;
  victim.start();
  await victim.ready();
  return seconds;
}

/** Units go to the least loaded machine: pinning by MachineID= puts it where it is wanted. */
async function placeOn(cluster: FlotillaCluster, role: Role): Promise<Member> {
  const [first] = cluster.members as [Member];
  const leader = await waitFor("a leader", async () => (await first.api.cluster()).store.leader);
  const victim = cluster.members.find(({ name }) => (name === leader) === (role === "leader"));
  if (victim === undefined) throw new Error(`no ${role}`);
  const machine = await victim.machineId();
  const pin = `${CONTENT}[X-Fleet]\nMachineID=${machine}\n`;
  await victim.api.put(UNIT, { content: pin, desired: "launched", replace: true });
  await waitFor(
    "the unit to be where it is wanted",
    async () => (await runsOn(victim)) === machine,
  );
  // Without the pin it may go anywhere, and stays until its machine dies.
  await victim.api.put(UNIT, { content: CONTENT, desired: "launched", replace: true });
  await waitFor("the unit without its pin", async () => {
    const unit = await victim.api.unit(UNIT);
    return unit.states.some(({ hash, active }) => hash === unit.hash && active === "active");
  });
  return victim;
}

async function runsOn(member: Member): Promise<string | undefined> {
  const states = await member.api.states();
  return states.find(({ name, active }) => name === UNIT && active === "active")?.machine;
}

await main();
