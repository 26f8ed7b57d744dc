import { documentation, installList, unitList } from "../keys/list-types.js";
import { boolean, text, timeSpan, unsigned } from "../keys/scalar-types.js";
import type { InstallSection, UnitName, UnitSection } from "../types.js";
import type { Settings } from "./settings.js";

/** systemd's DefaultStartLimitIntervalSec= and DefaultStartLimitBurst=. */
const START_LIMIT_INTERVAL_MS = 10_000;
const START_LIMIT_BURST = 5;

export function readUnitSection(settings: Settings, name: UnitName): UnitSection {
  const names = (key: string) => distinct(settings.list(unitList, "Unit", key));
  return {
    description: settings.last(text, "Unit", "Description") ?? name.name,
    documentation: settings.list(documentation, "Unit", "Documentation"),
    requires: names("Requires"),
    requisite: names("Requisite"),
    wants: names("Wants"),
    bindsTo: names("BindsTo"),
    partOf: names("PartOf"),
    upholds: names("Upholds"),
    conflicts: names("Conflicts"),
    before: names("Before"),
    after: names("After"),
    onFailure: names("OnFailure"),
    onSuccess: names("OnSuccess"),
    defaultDependencies: settings.last(boolean, "Unit", "DefaultDependencies") ?? true,
    startLimitIntervalMs:
      settings.last(timeSpan, "Unit", "StartLimitIntervalSec") ?? START_LIMIT_INTERVAL_MS,
    startLimitBurst: settings.last(unsigned, "Unit", "StartLimitBurst") ?? START_LIMIT_BURST,
  };
}

export function readInstallSection(settings: Settings): InstallSection {
  const names = (key: string) => distinct(settings.list(installList, "Install", key));
  const defaultInstance = settings.last(text, "Install", "DefaultInstance");
  return {
    alias: names("Alias"),
    wantedBy: names("WantedBy"),
    requiredBy: names("RequiredBy"),
    also: names("Also"),
    ...(defaultInstance === undefined ? {} : { defaultInstance }),
  };
}

function distinct(names: readonly string[]): readonly string[] {
  return names.length < 2 ? names : [...new Set(names)];
}
