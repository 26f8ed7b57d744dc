import { type CoreBuild, type Scenario, THIS_BUILD } from "../../src/testing/index.js";

/** What `npm run sim` is told by its environment. */
export interface SimOptions {
  readonly from: number;
  readonly count: number;
  readonly seconds: number;
  readonly jobs: number;
  /** Ends with the first failure, which is neither traced nor shrunk. */
  readonly fast: boolean;
  readonly scenario: Partial<Scenario>;
  /** Path of another build's index.js, whose members are upgraded to this one. */
  readonly old: string | null;
}

/**
 * SEED=7 for one seed, or SEEDS=1000 from FROM=1 on; SECONDS=120 virtual seconds of faults each;
 * SCENARIO='{"drift":0}' sets parts of the scenario; OLD=path/to/dist/index.js mixes another build
 * in; JOBS threads; FAST=1 stops at the first failure.
 */
export function simOptions(env: NodeJS.ProcessEnv, cores: number): SimOptions {
  const { SEED, SEEDS = "100", FROM = "1", SECONDS = "120", JOBS, FAST, SCENARIO, OLD } = env;
  const count = SEED === undefined ? Number(SEEDS) : 1;
  const given = SCENARIO === undefined ? {} : (JSON.parse(SCENARIO) as Partial<Scenario>);
  return {
    from: Number(SEED ?? FROM),
    count,
    seconds: Number(SECONDS),
    jobs: Math.min(count, Number(JOBS ?? cores)),
    fast: FAST === "1",
    scenario: OLD === undefined ? given : { upgradeEvery: 10_000, ...given },
    old: OLD ?? null,
  };
}

/** The versions of the core to run, the oldest first. */
export async function buildsOf({ old }: SimOptions): Promise<readonly CoreBuild[]> {
  if (old === null) return [THIS_BUILD];
  const { pathToFileURL } = await import("node:url");
  const build = (await import(pathToFileURL(old).href)) as CoreBuild;
  return [build, THIS_BUILD];
}
