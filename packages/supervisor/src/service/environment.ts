import { readFile } from "node:fs/promises";
import { parseEnvironmentFile, type ServiceSection } from "@flotilla/units";
import { exitVariables } from "./exit-status.js";
import { findUser } from "./passwd.js";
import type { ExecSection, ServiceSnapshot } from "./protocol.js";

/** Where bare command names are looked for, as systemd's default on Debian. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What a command's environment depends on beside the unit. */
export interface EnvironmentContext {
  readonly section: ExecSection;
  readonly snapshot: ServiceSnapshot;
  /** 32 hexadecimal digits, new with each activation. */
  readonly invocationId: string;
  readonly notifySocket: string | undefined;
  /** RUNTIME_DIRECTORY and its kin. */
  readonly directories: Readonly<Record<string, string>>;
}

/**
 * The environment of one command (systemd.exec(5), "Environment variables in spawned processes"):
 * what the supervisor sets, then Environment=, then the files of EnvironmentFile=, later ones winning.
 * Rejects when a file that is not optional cannot be read.
 */
export async function buildEnvironment(
  service: ServiceSection,
  context: EnvironmentContext,
): Promise<Record<string, string>> {
  return {
    PATH: DEFAULT_PATH,
    INVOCATION_ID: context.invocationId,
    ...(await userVariables(service)),
    ...stateVariables(service, context),
    ...context.directories,
    ...service.environment,
    ...(await fileVariables(service)),
  };
}

async function userVariables(service: ServiceSection): Promise<Record<string, string>> {
  if (service.user === undefined) return {};
  const user = await findUser(service.user, service.rootDirectory);
  if (!user) return { USER: service.user, LOGNAME: service.user };
  return { USER: user.name, LOGNAME: user.name, HOME: user.home, SHELL: user.shell };
}

function stateVariables(
  service: ServiceSection,
  { section, snapshot, notifySocket }: EnvironmentContext,
): Record<string, string> {
  const variables: Record<string, string> = {};
  if (notifySocket !== undefined) variables["NOTIFY_SOCKET"] = notifySocket;
  if (snapshot.mainPid > 0 && section !== "ExecStart") {
    variables["MAINPID"] = String(snapshot.mainPid);
  }
  if (section === "ExecStart" && service.watchdogMs > 0 && Number.isFinite(service.watchdogMs)) {
    variables["WATCHDOG_USEC"] = String(Math.round(service.watchdogMs * 1000));
  }
  if (section === "ExecStop" || section === "ExecStopPost") {
    variables["SERVICE_RESULT"] = snapshot.result;
    if (snapshot.exit) Object.assign(variables, exitVariables(snapshot.exit));
  }
  return variables;
}

async function fileVariables(service: ServiceSection): Promise<Record<string, string>> {
  const variables: Record<string, string> = {};
  for (const { path, optional } of service.environmentFiles) {
    let text: string;
    try {
      text = await readFile(path, "utf8");
    } catch (error) {
      if (optional) continue;
      throw new Error(`Failed to load environment file ${path}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    Object.assign(variables, parseEnvironmentFile(text).variables);
  }
  return variables;
}
