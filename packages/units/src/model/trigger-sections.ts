import { unitReference } from "../keys/list-types.js";
import { boolean, mode, timeSpan, unsigned } from "../keys/scalar-types.js";
import { PATH_WATCHES, pathWatch, TIMER_TRIGGERS, timerTrigger } from "../keys/trigger-types.js";
import type { PathSection, TimerSection, UnitName } from "../types.js";
import type { Settings } from "./settings.js";

const MINUTE_MS = 60_000;
const TRIGGER_LIMIT_INTERVAL_MS = 2_000;
const TRIGGER_LIMIT_BURST = 200;
const DIRECTORY_MODE = 0o755;

export function readTimerSection(settings: Settings, name: UnitName): TimerSection {
  const flag = (key: string) => settings.last(boolean, "Timer", key) ?? false;
  return {
    triggers: settings.list(timerTrigger, "Timer", TIMER_TRIGGERS),
    onClockChange: flag("OnClockChange"),
    onTimezoneChange: flag("OnTimezoneChange"),
    unit: triggered(settings, "Timer", name),
    persistent: flag("Persistent"),
    wakeSystem: flag("WakeSystem"),
    remainAfterElapse: settings.last(boolean, "Timer", "RemainAfterElapse") ?? true,
    accuracyMs: settings.last(timeSpan, "Timer", "AccuracySec") ?? MINUTE_MS,
    randomizedDelayMs: settings.last(timeSpan, "Timer", "RandomizedDelaySec") ?? 0,
    fixedRandomDelay: flag("FixedRandomDelay"),
  };
}

export function checkTimer(timer: TimerSection, settings: Settings): void {
  if (timer.triggers.length > 0 || timer.onClockChange || timer.onTimezoneChange) return;
  const message = "The timer never elapses: nothing says when.";
  const hint = "Add OnCalendar= or one of OnBootSec=, OnActiveSec=, OnUnitActiveSec=.";
  const problem = { code: "missing-trigger", severity: "error", message, hint } as const;
  settings.complain(problem, ["Timer.Unit"]);
}

export function readPathSection(settings: Settings, name: UnitName): PathSection {
  return {
    watches: settings.list(pathWatch, "Path", PATH_WATCHES),
    unit: triggered(settings, "Path", name),
    makeDirectory: settings.last(boolean, "Path", "MakeDirectory") ?? false,
    directoryMode: settings.last(mode, "Path", "DirectoryMode") ?? DIRECTORY_MODE,
    triggerLimitIntervalMs:
      settings.last(timeSpan, "Path", "TriggerLimitIntervalSec") ?? TRIGGER_LIMIT_INTERVAL_MS,
    triggerLimitBurst: settings.last(unsigned, "Path", "TriggerLimitBurst") ?? TRIGGER_LIMIT_BURST,
  };
}

export function checkPath(path: PathSection, settings: Settings): void {
  if (path.watches.length > 0) return;
  const message = "The path unit watches nothing.";
  const hint = "Add PathExists=, PathChanged=, PathModified= or DirectoryNotEmpty=.";
  const problem = { code: "missing-trigger", severity: "error", message, hint } as const;
  settings.complain(problem, ["Path.Unit"]);
}

/** Unit= counts once: systemd ignores further ones, and the unit itself. */
function triggered(settings: Settings, section: string, name: UnitName): string {
  const [first, ...others] = settings.every(unitReference, section, "Unit");
  for (const other of others) {
    const message = `A unit is named already: ${other} is ignored.`;
    settings.complain({ code: "bad-value", message, hint: "Keep one Unit=." }, [`${section}.Unit`]);
  }
  if (first === undefined) return ownService(name);
  if (first !== name.name) return first;
  const message = "A unit cannot trigger itself.";
  settings.complain({ code: "bad-value", message, hint: "Name another." }, [`${section}.Unit`]);
  return ownService(name);
}

/** The service that has the unit's own name. */
export function ownService({ name, type }: UnitName): string {
  return `${name.slice(0, -type.length)}service`;
}
