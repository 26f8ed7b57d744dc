import type { RestartPolicy, ServiceSection, ServiceType } from "../types.js";
import { absolute } from "./list-types.js";
import { oneOf } from "./scalar-types.js";
import type { ValueType } from "./value-type.js";

/** `notify-reload` came with systemd 253. */
export const serviceType: ValueType<ServiceType> = oneOf("service type", [
  "simple",
  "exec",
  "forking",
  "oneshot",
  "dbus",
  "notify",
  "notify-reload",
  "idle",
]);

export const restartPolicy: ValueType<RestartPolicy> = oneOf("restart policy", [
  "no",
  "on-success",
  "on-failure",
  "on-abnormal",
  "on-watchdog",
  "on-abort",
  "always",
]);

export const exitType: ValueType<"main" | "cgroup"> = oneOf("exit type", ["main", "cgroup"]);

export const notifyAccess: ValueType<ServiceSection["notifyAccess"]> = oneOf(
  "kind of notify access",
  ["none", "main", "exec", "all"],
);

const killModes = oneOf("kill mode", ["control-group", "mixed", "process", "none"]);

export const killMode: ValueType<ServiceSection["killMode"]> = {
  ...killModes,
  empty: "reset",
  read: (value, context) => {
    const mode = killModes.read(value, context);
    if (mode === "none") {
      const message = "KillMode=none leaves processes behind that nobody watches.";
      context.report({ code: "deprecated", message, hint: "Use mixed or control-group." });
    }
    return mode;
  },
};

export const timeoutMode: ValueType<"terminate" | "abort" | "kill"> = oneOf("timeout mode", [
  "terminate",
  "abort",
  "kill",
]);

export const jobMode: ValueType<string> = oneOf("job mode", [
  "fail",
  "replace",
  "replace-irreversibly",
  "isolate",
  "flush",
  "ignore-dependencies",
  "ignore-requirements",
  "triggering",
]);

export const emergencyAction: ValueType<string> = oneOf("action", [
  "none",
  "reboot",
  "reboot-force",
  "reboot-immediate",
  "poweroff",
  "poweroff-force",
  "poweroff-immediate",
  "exit",
  "exit-force",
]);

export const collectMode: ValueType<string> = oneOf("collect mode", [
  "inactive",
  "inactive-or-failed",
]);

export const devicePolicy: ValueType<string> = oneOf("device policy", ["auto", "closed", "strict"]);

/** syslog(3)'s priorities; systemd takes their numbers too. */
export const logLevel: ValueType<string> = oneOf("log level", [
  "emerg",
  "alert",
  "crit",
  "err",
  "warning",
  "notice",
  "info",
  "debug",
  "0",
  "1",
  "2",
  "3",
  "4",
  "5",
  "6",
  "7",
]);

/** ConditionX= and AssertX=: the operand with its `|` and `!`. */
export const condition: ValueType<readonly string[]> = {
  name: "condition",
  empty: "reset",
  list: true,
  read: (value, context) => {
    const expanded = context.expand(value);
    return expanded === undefined ? undefined : [expanded];
  },
};

/** Conditions on paths, which must be absolute. */
export const pathCondition: ValueType<readonly string[]> = {
  ...condition,
  name: "condition on a path",
  read: (value, context) => {
    const expanded = context.expand(value);
    if (expanded === undefined) return undefined;
    const path = expanded.replace(/^\|?!?/, "").trimStart();
    return absolute(path, context) === undefined ? undefined : [expanded];
  },
};
