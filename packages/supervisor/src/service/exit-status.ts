import type { ExitStatusSet } from "@flotilla/units";
import type { ProcessExit } from "../runtime.js";
import type { ServiceResult } from "../types.js";

/** Signals by which a daemon, unlike a command, may end cleanly (systemd.service(5), SuccessExitStatus=). */
const CLEAN_DAEMON_SIGNALS: readonly string[] = ["SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE"];

/** Whether a process was run to go on (the main process) or to end (oneshot and Exec*Pre/Post …). */
export type CleanMode = "daemon" | "command";

/** True when `exit` is among the codes and signals of `set`. */
export function matchesExitStatus(set: ExitStatusSet, exit: ProcessExit): boolean {
  return exit.type === "exited"
    ? set.codes.includes(exit.code)
    : set.signals.some((name) => sameSignal(name, exit.signal));
}

/** The Result= that an exit stands for. */
export function exitResult(
  exit: ProcessExit,
  mode: CleanMode,
  success: ExitStatusSet,
): ServiceResult {
  if (matchesExitStatus(success, exit)) return "success";
  if (exit.type === "exited") return exit.code === 0 ? "success" : "exit-code";
  if (exit.coreDumped) return "core-dump";
  return mode === "daemon" && CLEAN_DAEMON_SIGNALS.includes(exit.signal) ? "success" : "signal";
}

/** `$EXIT_CODE` and `$EXIT_STATUS` as ExecStop= and ExecStopPost= see them (systemd.exec(5)). */
export function exitVariables(exit: ProcessExit): { EXIT_CODE: string; EXIT_STATUS: string } {
  if (exit.type === "exited") return { EXIT_CODE: "exited", EXIT_STATUS: String(exit.code) };
  return {
    EXIT_CODE: exit.coreDumped ? "dumped" : "killed",
    EXIT_STATUS: exit.signal.replace(/^SIG/, ""),
  };
}

/** An exit in the words of systemd's log. */
export function describeExit(exit: ProcessExit): string {
  const { EXIT_CODE, EXIT_STATUS } = exitVariables(exit);
  return `code=${EXIT_CODE}, status=${EXIT_STATUS}`;
}

function sameSignal(a: string, b: string): boolean {
  return a.replace(/^SIG/, "") === b.replace(/^SIG/, "");
}
