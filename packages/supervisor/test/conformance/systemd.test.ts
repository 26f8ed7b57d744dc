import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RealHarness, startReal } from "../support/real.js";
import { NO_SYSTEMD, RealSystemd } from "./real-systemd.js";
import { SCENARIOS, type Scenario, type Step } from "./scenarios.js";

if (NO_SYSTEMD) console.warn(`skipped: ${NO_SYSTEMD}`);

const AT_ONCE = 6;
const PATIENCE_MS = 20_000;

/** States that a unit stays in. */
const RESTING: ReadonlySet<string> = new Set(
  "dead failed running exited auto-restart active waiting elapsed".split(" "),
);

/** What became of a unit: the states it went through, and its last result. */
type Story = Readonly<
  Record<string, { readonly states: readonly string[]; readonly result: string }>
>;

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Waits for the state that is asked for, and for others that may still be on their way. */
async function settled(
  scenario: Scenario,
  subOf: (unit: string) => Promise<string>,
): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  while (Date.now() < until) {
    const names = [...scenario.units.keys()];
    const subs = await Promise.all(names.map(subOf));
    const [unit, sub] = scenario.until;
    if (subs.every((one) => RESTING.has(one)) && subs[names.indexOf(unit)] === sub) return;
    await sleep(100);
  }
}

async function tellSystemd(systemd: RealSystemd, scenario: Scenario): Promise<void> {
  const show = (unit: string, property: string) =>
    systemd.inside("systemctl", "show", "-p", property, "--value", unit).then((s) => s.trim());
  const perform = async ([verb, unit]: Step): Promise<void> => {
    if (verb === "kill") {
      const before = await show(unit, "StateChangeTimestampMonotonic");
      await systemd.inside("systemctl", "kill", "-s", "KILL", "--kill-who=main", unit);
      for (let i = 0; i < 200; i += 1) {
        if ((await show(unit, "StateChangeTimestampMonotonic")) !== before) return;
      }
    } else await systemd.inside("systemctl", verb, unit);
  };
  for (const step of scenario.steps) await perform(step);
  await settled(scenario, (unit) => show(unit, "SubState"));
}

/** Taken from the log: systemd forgets a unit that is dead, and its result with it. */
function systemdStory(log: readonly string[], scenario: Scenario): Story {
  const story: Record<string, { states: string[]; result: string }> = {};
  for (const unit of scenario.units.keys()) {
    // Targets say it with a small letter and without a colon.
    const lines = log
      .filter((line) => line.startsWith(`${unit}: `) || line.startsWith(`${unit} changed`))
      .map((line) => line.slice(unit.length).replace(/^:? (c?)/, (_, c) => c.toUpperCase()));
    const stem = unit.slice(scenario.name.length + 1);
    story[stem] = { states: lines.flatMap(changedTo), result: "success" };
    const end = lines.findLast((line) =>
      /^(Failed with|Skipped due|Deactivated|Changed (?:dead|failed) -> (?!failed|dead|auto-restart))/.test(
        line,
      ),
    );
    const [, result] = /^(?:Failed|Skipped).*'(.*)'/.exec(end ?? "") ?? [];
    if (result !== undefined) story[stem].result = result;
  }
  return story;
}

function changedTo(line: string): string[] {
  const [, from, to] = /^Changed (\S+) -> (\S+)$/.exec(line) ?? [];
  return to === undefined || from === to ? [] : [to];
}

async function tellUs(harness: RealHarness, scenario: Scenario): Promise<void> {
  const { supervisor } = harness;
  for (const [name, text] of scenario.units) await supervisor.load(name, text);
  for (const [verb, unit] of scenario.steps) {
    if (verb === "kill") {
      const moved = new Promise<void>((resolve) => {
        const leave = supervisor.onChange(({ name }) => {
          if (name !== unit) return;
          leave();
          resolve();
        });
      });
      process.kill((await supervisor.status(unit))!.mainPid, "SIGKILL");
      await moved;
    } else await supervisor[verb](unit);
  }
  await settled(scenario, async (unit) => (await supervisor.status(unit))!.sub);
}

function unitsOf(scenarios: readonly Scenario[]): Map<string, string> {
  return new Map(scenarios.flatMap((scenario) => [...scenario.units, ...scenario.again().units]));
}

describe.skipIf(NO_SYSTEMD)("beside systemd itself", () => {
  const theirs = new Map<string, Story>();
  const ours = new Map<string, Story>();
  let systemd: RealSystemd | undefined;
  let directory = "";

  /** Tells systemd stories, under their own names or once more, and reads what became of them. */
  async function hear(stories: readonly Scenario[], as = (one: Scenario) => one): Promise<void> {
    const booted = systemd;
    if (!booted) throw new Error("systemd does not run");
    await inParallel(stories, (scenario) => tellSystemd(booted, as(scenario)));
    const log = await booted.log();
    for (const scenario of stories) theirs.set(scenario.name, systemdStory(log, as(scenario)));
  }

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "flotilla-systemd-"));
    systemd = await RealSystemd.boot(directory, unitsOf(SCENARIOS));
    await hear(SCENARIOS);
  }, 300_000);

  afterAll(async () => {
    await systemd?.stop();
    for (const name of await readdir(tmpdir())) {
      const ours = SCENARIOS.some((scenario) => name.startsWith(`flotilla-${scenario.name}-`));
      if (ours) await rm(join(tmpdir(), name), { recursive: true, force: true });
    }
    await rm(directory, { recursive: true, force: true });
  }, 30_000);

  it("runs the scenarios", { timeout: 300_000 }, async () => {
    const harness = await startReal();
    await inParallel(SCENARIOS, (scenario) => tellUs(harness, scenario));
    for (const scenario of SCENARIOS) {
      const story: Record<string, { states: string[]; result: string }> = {};
      for (const unit of scenario.units.keys()) {
        const { result } = (await harness.supervisor.status(unit))!;
        story[unit.slice(scenario.name.length + 1)] = { states: harness.states(unit), result };
      }
      ours.set(scenario.name, story);
    }
    // Where much is logged at once, systemd's log loses lines: what differs is told to it once more.
    const doubtful = SCENARIOS.filter(
      ({ name, differs }) => !differs && !isDeepStrictEqual(ours.get(name), theirs.get(name)),
    );
    await hear(doubtful, (scenario) => scenario.again());
  });

  it.each(SCENARIOS)("$name", ({ name, differs }) => {
    if (differs === undefined) expect(ours.get(name)).toEqual(theirs.get(name));
    // A difference that went away is news, too.
    else expect(ours.get(name)).not.toEqual(theirs.get(name));
  });
});
