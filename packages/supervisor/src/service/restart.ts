import type { RestartPolicy, ServiceSection } from "@flotilla/units";
import type { ProcessExit } from "../runtime.js";
import type { ServiceResult } from "../types.js";
import { matchesExitStatus } from "./exit-status.js";

/** What a service's end looked like when it is decided whether it starts again. */
export interface ServiceEnd {
  readonly result: ServiceResult;
  /** How the main process ended, where there was one. */
  readonly exit: ProcessExit | undefined;
  /** True when somebody asked for the stop. */
  readonly stopped: boolean;
}

/**
 * Restart= with RestartPreventExitStatus= and RestartForceExitStatus=: systemd.service(5), the table
 * "Exit causes and the effect of the Restart= settings".
 */
export function shallRestart(
  service: Pick<ServiceSection, "restart" | "restartPreventExitStatus" | "restartForceExitStatus">,
  end: ServiceEnd,
): boolean {
  if (end.stopped) return false;
  if (end.exit && matchesExitStatus(service.restartPreventExitStatus, end.exit)) return false;
  if (end.exit && matchesExitStatus(service.restartForceExitStatus, end.exit)) return true;
  return policyRestarts(service.restart, end.result);
}

function policyRestarts(policy: RestartPolicy, result: ServiceResult): boolean {
  switch (policy) {
    case "no":
      return false;
    case "always":
      return result !== "exec-condition";
    case "on-success":
      return result === "success";
    case "on-failure":
      return result !== "success" && result !== "exec-condition";
    case "on-abnormal":
      return result !== "success" && result !== "exec-condition" && result !== "exit-code";
    case "on-abort":
      return result === "signal" || result === "core-dump";
    case "on-watchdog":
      return result === "watchdog";
  }
}
