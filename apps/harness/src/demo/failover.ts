import type { FlotillaCluster, Member } from "../cluster/flotilla-cluster.js";
import { waitFor } from "../process/wait-for.js";

export interface Failover {
  readonly unit: string;
  readonly from: Member;
  readonly to: Member;
  /** From the SIGKILL until the service answers from the other machine. */
  readonly milliseconds: number;
}

/** Kills the member that runs `unit` and waits until the unit answers from another. */
export async function failOver(
  cluster: FlotillaCluster,
  unit: string,
  port: number,
): Promise<Failover> {
  const target = (await cluster.other().api.unit(unit)).target;
  if (target === undefined) throw new Error(`${unit} is on no machine`);
  const from = await cluster.byMachine(target);
  const start = performance.now();
  await from.kill();
  const witness = cluster.other(from);
  await waitFor(`${unit} to answer from another machine`, async () => {
    const { states } = await witness.api.unit(unit);
    const moved = states.some(({ machine, active }) => machine !== target && active === "active");
    return moved && (await askWeb(port));
  });
  const milliseconds = performance.now() - start;
  const now = (await witness.api.unit(unit)).target ?? "";
  return { unit, from, to: await cluster.byMachine(now), milliseconds };
}

/** What the example answers, or an error while nothing listens. */
export async function askWeb(port: number): Promise<{ instance: string; pid: number }> {
  const response = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1_000) });
  return (await response.json()) as { instance: string; pid: number };
}
