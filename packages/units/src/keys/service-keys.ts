import { exec, exitStatuses, path, pidFile } from "./list-types.js";
import { boolean, opaque, text, timeout, timeSpan, unsigned } from "./scalar-types.js";
import { type KeyTable, keys, renamed } from "./value-type.js";
import {
  emergencyAction,
  exitType,
  notifyAccess,
  restartPolicy,
  serviceType,
  timeoutMode,
} from "./word-types.js";

/** [Service] without what it shares with other types (systemd.service(5)). */
export const SERVICE_KEYS: KeyTable = {
  ...keys(
    exec,
    `ExecCondition ExecStartPre ExecStart ExecStartPost ExecReload ExecStop ExecStopPost`,
  ),
  ...keys(timeSpan, "RestartSec RuntimeMaxSec RuntimeRandomizedExtraSec WatchdogSec"),
  ...keys(timeout, "TimeoutStartSec TimeoutStopSec"),
  ...keys(opaque, "TimeoutAbortSec BusName Sockets OOMPolicy"),
  ...keys(timeoutMode, "TimeoutStartFailureMode TimeoutStopFailureMode"),
  ...keys(unsigned, "FileDescriptorStoreMax"),
  ...keys(serviceType, "Type"),
  ...keys(exitType, "ExitType"),
  ...keys(restartPolicy, "Restart"),
  ...keys(
    boolean,
    `PermissionsStartOnly RootDirectoryStartOnly RemainAfterExit GuessMainPID NonBlocking`,
  ),
  ...keys(exitStatuses, "RestartPreventExitStatus RestartForceExitStatus SuccessExitStatus"),
  ...keys(notifyAccess, "NotifyAccess"),
  ...keys(path, "USBFunctionDescriptors USBFunctionStrings"),
  ...keys(pidFile, "PIDFile"),
  ...renamed(timeSpan, "StartLimitInterval=Unit.StartLimitIntervalSec"),
  ...renamed(unsigned, "StartLimitBurst=Unit.StartLimitBurst"),
  ...renamed(emergencyAction, "StartLimitAction=Unit.StartLimitAction"),
  ...renamed(emergencyAction, "FailureAction=Unit.FailureAction"),
  ...renamed(text, "RebootArgument=Unit.RebootArgument"),
  TimeoutSec: { type: timeout, sets: ["TimeoutStartSec", "TimeoutStopSec"] },
};
