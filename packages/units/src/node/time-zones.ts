import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TimeZone, type TimeZones, UTC } from "../calendar/time-zone.js";
import { ZoneFile } from "./zone-file.js";

/** Where the tz database lies on Linux. */
const ZONEINFO = "/usr/share/zoneinfo";

/**
 * The zones of the system's tz database, which systemd reads, too: the same names, abbreviations and
 * daylight saving. `local` is a zone's name, as in `TZ`; without one it is /etc/localtime. As in the
 * C library, a zone that does not exist is UTC.
 */
export function systemTimeZones(
  options: { local?: string | undefined; folder?: string } = {},
): TimeZones {
  const { folder = ZONEINFO, local } = options;
  const zones = new Map<string, TimeZone | undefined>([["UTC", UTC]]);
  const find = (name: string): TimeZone | undefined => {
    if (!zones.has(name)) zones.set(name, isZoneName(name) ? load(name, folder) : undefined);
    return zones.get(name);
  };
  const own =
    local === undefined ? read("localtime", "/etc/localtime") : find(local.replace(/^:/, ""));
  return { local: own ?? UTC, find };
}

function isZoneName(name: string): boolean {
  return /^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/.test(name);
}

function load(name: string, folder: string): TimeZone | undefined {
  return read(name, join(folder, name));
}

/** Undefined for what is not there or is not a zone. */
function read(name: string, path: string): TimeZone | undefined {
  try {
    return ZoneFile.parse(name, readFileSync(path));
  } catch {
    return undefined;
  }
}
