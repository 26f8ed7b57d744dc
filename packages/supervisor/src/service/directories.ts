import { chown, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { UnitSettings } from "../settings/unit-settings.js";
import { findGroup, findUser } from "./passwd.js";

/** The kinds of directories that systemd.exec(5) makes for a service, and where. */
const KINDS = [
  { key: "RuntimeDirectory", root: "/run", variable: "RUNTIME_DIRECTORY", owned: true },
  { key: "StateDirectory", root: "/var/lib", variable: "STATE_DIRECTORY", owned: true },
  { key: "CacheDirectory", root: "/var/cache", variable: "CACHE_DIRECTORY", owned: true },
  { key: "LogsDirectory", root: "/var/log", variable: "LOGS_DIRECTORY", owned: true },
  {
    key: "ConfigurationDirectory",
    root: "/etc",
    variable: "CONFIGURATION_DIRECTORY",
    owned: false,
  },
] as const;

type Kind = (typeof KINDS)[number];

/** Whose the directories are; root's where nothing is said. */
interface Account {
  readonly user?: string;
  readonly group?: string;
}

/** Variables that tell a service where its directories are. */
export function directoryVariables(settings: UnitSettings): Record<string, string> {
  const entries = KINDS.map((kind): [string, string] => [
    kind.variable,
    pathsOf(kind, settings).join(":"),
  ]);
  return Object.fromEntries(entries.filter(([, paths]) => paths !== ""));
}

/** Makes them with their modes, owned by the service's user (those of the configuration stay root's). */
export async function makeDirectories(settings: UnitSettings, account: Account): Promise<void> {
  const owner = await ownerOf(account);
  for (const kind of KINDS) {
    const mode = settings.number("Service", `${kind.key}Mode`, 0o755, 8);
    for (const path of pathsOf(kind, settings)) {
      try {
        await mkdir(path, { recursive: true, mode });
        if (kind.owned && owner) await chown(path, owner.uid, owner.gid);
      } catch (error) {
        const message = `Failed to set up ${kind.key}= ${path}: ${(error as Error).message}`;
        throw new Error(message, { cause: error });
      }
    }
  }
}

/** Takes the runtime directories away when the service is down (RuntimeDirectoryPreserve=). */
export async function removeRuntimeDirectories(
  settings: UnitSettings,
  restarts: boolean,
): Promise<void> {
  const preserve = settings.last("Service", "RuntimeDirectoryPreserve") ?? "no";
  const kept = preserve === "restart" ? restarts : /^(yes|true|on|y|t|1)$/i.test(preserve);
  if (kept) return;
  const [runtime] = KINDS;
  for (const path of pathsOf(runtime, settings)) await rm(path, { recursive: true, force: true });
}

function pathsOf({ key, root }: Kind, settings: UnitSettings): readonly string[] {
  // `name:link` gives a link too, which is not made here.
  return settings
    .words("Service", key)
    .map((word) => word.split(":")[0] ?? "")
    .filter((name) => name !== "" && !name.startsWith("/") && !name.split("/").includes(".."))
    .map((name) => join(root, name));
}

async function ownerOf({
  user,
  group,
}: Account): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  if (user === undefined && group === undefined) return undefined;
  const found = user === undefined ? undefined : await findUser(user);
  const gid = group === undefined ? found?.gid : await findGroup(group);
  return { uid: found?.uid ?? 0, gid: gid ?? 0 };
}
