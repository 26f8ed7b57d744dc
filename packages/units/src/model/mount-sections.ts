import { UnitsError } from "../errors.js";
import { path } from "../keys/list-types.js";
import { boolean, mode, text, timeout } from "../keys/scalar-types.js";
import { unescapeUnitName } from "../names/escape.js";
import { unitNameOfPath } from "../names/mangle.js";
import type { AutomountSection, MountSection, SwapSection, UnitName, UnitType } from "../types.js";
import type { Settings } from "./settings.js";

const DIRECTORY_MODE = 0o755;

export function readMountSection(settings: Settings, name: UnitName): MountSection {
  const type = settings.last(text, "Mount", "Type");
  const options = settings.last(text, "Mount", "Options");
  return {
    what: settings.last(text, "Mount", "What") ?? "",
    where: settings.last(path, "Mount", "Where") ?? pathOf(name),
    ...(type === undefined ? {} : { type }),
    ...(options === undefined ? {} : { options }),
    directoryMode: settings.last(mode, "Mount", "DirectoryMode") ?? DIRECTORY_MODE,
    lazyUnmount: settings.last(boolean, "Mount", "LazyUnmount") ?? false,
    forceUnmount: settings.last(boolean, "Mount", "ForceUnmount") ?? false,
  };
}

export function checkMount(mount: MountSection, name: UnitName, settings: Settings): void {
  checkName("Mount.Where", mount.where, name, settings);
  if (mount.what !== "") return;
  const message = "Nothing says what is to be mounted.";
  const hint = "Add What= with a device, a path or a file system's name.";
  settings.complain({ code: "missing-what", severity: "error", message, hint }, ["Mount.What"]);
}

export function readAutomountSection(settings: Settings, name: UnitName): AutomountSection {
  const extraOptions = settings.last(text, "Automount", "ExtraOptions");
  return {
    where: settings.last(path, "Automount", "Where") ?? pathOf(name),
    ...(extraOptions === undefined ? {} : { extraOptions }),
    directoryMode: settings.last(mode, "Automount", "DirectoryMode") ?? DIRECTORY_MODE,
    timeoutIdleMs:
      settings.last(timeout, "Automount", "TimeoutIdleSec") ?? Number.POSITIVE_INFINITY,
  };
}

export function checkAutomount(
  automount: AutomountSection,
  name: UnitName,
  settings: Settings,
): void {
  checkName("Automount.Where", automount.where, name, settings);
}

export function readSwapSection(settings: Settings, name: UnitName): SwapSection {
  const options = settings.last(text, "Swap", "Options");
  return {
    what: settings.last(path, "Swap", "What") ?? pathOf(name),
    ...(options === undefined ? {} : { options }),
  };
}

export function checkSwap(swap: SwapSection, name: UnitName, settings: Settings): void {
  checkName("Swap.What", swap.what, name, settings);
}

/** The path that a unit's name stands for; the root where it stands for none. */
function pathOf({ prefix }: UnitName): string {
  return attempt(() => unescapeUnitName(prefix, { path: true })) ?? "/";
}

/** A unit of a path is called by that path. */
function checkName(key: string, path: string, name: UnitName, settings: Settings): void {
  const expected = attempt(() => unitNameOfPath(path, name.type as UnitType));
  if (expected === name.name) return;
  const message = `A unit for ${path} must be called ${expected ?? "by a path"}, not ${name.name}.`;
  const hint = `Rename the file, or change ${key.split(".")[1]}=.`;
  settings.complain({ code: "wrong-name", severity: "error", message, hint }, [key]);
}

function attempt(run: () => string): string | undefined {
  try {
    return run();
  } catch (error) {
    if (UnitsError.is(error)) return undefined;
    throw error;
  }
}
