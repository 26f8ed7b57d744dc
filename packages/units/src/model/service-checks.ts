import { exitStatuses } from "../keys/list-types.js";
import { opaque, text, timeSpan } from "../keys/scalar-types.js";
import { emergencyAction, exitType } from "../keys/word-types.js";
import type { ServiceSection } from "../types.js";
import type { Settings } from "./settings.js";

/** What systemd checks once a service is read as a whole; an error here makes it refuse the unit. */
export function checkService(service: ServiceSection, settings: Settings): void {
  checkCommands(service, settings);
  if (service.type === "oneshot") checkOneshot(service, settings);
  checkOthers(service, settings);
}

function refuse(
  settings: Settings,
  code: string,
  at: readonly string[],
  message: string,
  hint: string,
): void {
  settings.complain({ code, severity: "error", message, hint }, at);
}

function checkCommands(service: ServiceSection, settings: Settings): void {
  const { type, execStart, execStop, remainAfterExit } = service;
  const success = settings.last(emergencyAction, "Unit", "SuccessAction") ?? "none";
  const hint = "Add ExecStart= with the command to run.";
  const at = ["Service.Type", "Service.ExecStart"];
  if (execStart.length > 1 && type !== "oneshot") {
    const message = `There are ${execStart.length} ExecStart= commands, which only Type=oneshot allows.`;
    const mend = "Keep one, clear earlier ones with an empty ExecStart=, or set Type=oneshot.";
    refuse(settings, "multiple-exec-start", ["Service.ExecStart"], message, mend);
  }
  if (execStart.length > 0) return;
  if (execStop.length === 0 && success === "none") {
    refuse(settings, "missing-exec-start", at, "The service has no ExecStart=.", hint);
  } else if (type !== "oneshot") {
    const message = `The service has no ExecStart=, which only Type=oneshot allows.`;
    refuse(settings, "missing-exec-start", at, message, hint);
  } else if (!remainAfterExit && success === "none") {
    const message = "The service has no ExecStart= and would end at once.";
    refuse(settings, "missing-exec-start", at, message, "Add ExecStart= or RemainAfterExit=yes.");
  }
}

function checkOneshot(service: ServiceSection, settings: Settings): void {
  const { restart } = service;
  if (restart === "always" || restart === "on-success") {
    const message = `Type=oneshot does not go with Restart=${restart}.`;
    const hint = "Use on-failure, or another Type=.";
    refuse(settings, "oneshot-restart", ["Service.Restart"], message, hint);
  }
  if (settings.list(exitStatuses, "Service", "RestartForceExitStatus").length > 0) {
    const message = "Type=oneshot does not go with RestartForceExitStatus=.";
    refuse(settings, "oneshot-restart", ["Service.RestartForceExitStatus"], message, "Remove it.");
  }
  if (settings.last(exitType, "Service", "ExitType") === "cgroup") {
    const message = "Type=oneshot does not go with ExitType=cgroup.";
    refuse(settings, "oneshot-exit-type", ["Service.ExitType"], message, "Remove it.");
  }
  if (settings.last(timeSpan, "Service", "RuntimeMaxSec") !== undefined) {
    const message = "RuntimeMaxSec= does nothing with Type=oneshot.";
    const hint = "Use TimeoutStartSec=.";
    settings.complain({ code: "no-effect", message, hint }, ["Service.RuntimeMaxSec"]);
  }
}

function checkOthers(service: ServiceSection, settings: Settings): void {
  const { type, killMode } = service;
  if (type === "dbus" && settings.last(opaque, "Service", "BusName") === undefined) {
    const message = "Type=dbus needs a BusName=.";
    refuse(settings, "missing-bus-name", ["Service.Type"], message, "Add BusName=.");
  }
  if (type === "notify-reload") {
    const message = "Type=notify-reload needs systemd 253 or later.";
    settings.complain({ code: "newer-systemd", severity: "info", message }, ["Service.Type"]);
  }
  const pam = settings.last(text, "Service", "PAMName");
  if (pam !== undefined && killMode !== "control-group" && killMode !== "mixed") {
    const message = "With PAMName= the kill mode must be control-group or mixed.";
    refuse(settings, "pam-kill-mode", ["Service.KillMode"], message, "Change KillMode=.");
  }
}
