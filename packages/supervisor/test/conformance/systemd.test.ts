import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RealHarness, startReal } from "../support/real.js";
import { NO_SYSTEMD, RealSystemd } from "./real-systemd.js";
import { SCENARIOS, type Scenario, type Step } from "./scenarios.js";

if (NO_SYSTEMD) console.warn(`skipped: ${NO_SYSTEMD}`);

const AT_ONCE = 6;
const PATIENCE_MS = 20_000;

/** What became of a unit: the states it went through, and its last result. */
type Story = Readonly<
  Record<string, { readonly states: readonly string[]; readonly result: string }>
>;

const full = (scenario: Scenario, stem: string): string => `${scenario.name}-${stem}.service`;

function unitFiles(scenario: Scenario): [string, string][] {
  return Object.entries(scenario.units).map(([stem, text]) => [
    full(scenario, stem),
    text.replaceAll("@", `${scenario.name}-`),
  ]);
}

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
    const stems = Object.keys(scenario.units);
    const subs = await Promise.all(stems.map((stem) => subOf(full(scenario, stem))));
    const resting = ["dead", "failed", "running", "exited", "auto-restart"];
    const rests = subs.every((sub) => resting.includes(sub));
    if (rests && subs[stems.indexOf("a")] === scenario.until) return;
    await sleep(100);
  }
}

async function tellSystemd(systemd: RealSystemd, scenario: Scenario): Promise<void> {
  const show = (unit: string, property: string) =>
    systemd.inside("systemctl", "show", "-p", property, "--value", unit).then((s) => s.trim());
  const perform = async ([verb, stem]: Step): Promise<void> => {
    const unit = full(scenario, stem);
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
  for (const stem of Object.keys(scenario.units)) {
    const prefix = `${full(scenario, stem)}: `;
    const lines = log.filter((line) => line.startsWith(prefix)).map((l) => l.slice(prefix.length));
    story[stem] = { states: lines.flatMap(changedTo), result: "success" };
    const end = lines.findLast((line) =>
      /^(Failed with|Skipped due|Deactivated|Changed dead -> (?!failed))/.test(line),
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
  for (const [name, text] of unitFiles(scenario)) await supervisor.load(name, text);
  for (const [verb, stem] of scenario.steps) {
    const unit = full(scenario, stem);
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

describe.skipIf(NO_SYSTEMD)("beside systemd itself", () => {
  const theirs = new Map<string, Story>();
  const ours = new Map<string, Story>();
  let systemd: RealSystemd | undefined;
  let directory = "";

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "flotilla-systemd-"));
    systemd = await RealSystemd.boot(directory, new Map(SCENARIOS.flatMap(unitFiles)));
    const booted = systemd;
    await inParallel(SCENARIOS, (scenario) => tellSystemd(booted, scenario));
    const log = await systemd.log();
    for (const scenario of SCENARIOS) theirs.set(scenario.name, systemdStory(log, scenario));
  }, 120_000);

  afterAll(async () => {
    await systemd?.stop();
    await rm(directory, { recursive: true, force: true });
  }, 30_000);

  it("runs the scenarios", { timeout: 120_000 }, async () => {
    const harness = await startReal();
    await inParallel(SCENARIOS, (scenario) => tellUs(harness, scenario));
    for (const scenario of SCENARIOS) {
      const story: Record<string, { states: string[]; result: string }> = {};
      for (const stem of Object.keys(scenario.units)) {
        const unit = full(scenario, stem);
        const { result } = (await harness.supervisor.status(unit))!;
        story[stem] = { states: harness.states(unit), result };
      }
      ours.set(scenario.name, story);
    }
  });

  it.each(SCENARIOS)("$name", ({ name }) => {
    expect(ours.get(name)).toEqual(theirs.get(name));
  });
});
