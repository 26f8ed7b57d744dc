import { FlotillaCluster } from "../cluster/flotilla-cluster.js";
import { waitFor } from "../process/wait-for.js";
import { type Audit, audit, Writers } from "../workload/writers.js";

export interface KillSoakOptions {
  readonly directory: string;
  readonly kills: number;
  readonly random: () => number;
  readonly writers?: number;
  readonly onKill?: (kill: number, member: string, acknowledged: number) => void;
}

/**
 * SIGKILLs random members while writers write, each killed member started again before the next
 * one dies, and then compares what was acknowledged with what is there.
 */
export async function killSoak(options: KillSoakOptions): Promise<Audit> {
  const { directory, kills, random, writers: count = 8, onKill } = options;
  await using cluster = await FlotillaCluster.start({ directory });
  const writers = new Writers({ endpoints: cluster.clientUrls, writers: count });
  writers.start();
  try {
    for (let kill = 1; kill <= kills; kill++) {
      await pause(100 + random() * 400);
      const victim = cluster.members[Math.floor(random() * cluster.members.length)];
      if (victim === undefined) throw new Error("no member to kill");
      await victim.kill();
      onKill?.(kill, victim.name, writers.acknowledged);
      await pause(random() * 500);
      victim.start();
      await victim.ready();
    }
    // Writes must still go through after the last kill.
    const before = writers.acknowledged;
    await waitFor("writes after the last kill", () => writers.acknowledged > before);
  } finally {
    await writers.stop();
  }
  return await audit(writers, cluster.clientUrls);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
