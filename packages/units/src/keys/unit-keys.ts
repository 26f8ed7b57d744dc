import { documentation, installList, path, unitList } from "./list-types.js";
import { boolean, opaque, text, timeSpan, unsigned } from "./scalar-types.js";
import { type KeyTable, keys, renamed } from "./value-type.js";
import { collectMode, condition, emergencyAction, jobMode, pathCondition } from "./word-types.js";

/** [Unit] (systemd.unit(5)). */
export const UNIT_KEYS: KeyTable = {
  ...keys(text, "Description"),
  ...keys(documentation, "Documentation"),
  ...keys(path, "SourcePath"),
  ...keys(
    unitList,
    `Requires Requisite Wants BindsTo Upholds Conflicts Before After OnSuccess OnFailure
     PropagatesReloadTo ReloadPropagatedFrom PropagatesStopTo StopPropagatedFrom PartOf
     JoinsNamespaceOf`,
  ),
  ...keys(
    opaque,
    `RequiresMountsFor JobTimeoutSec JobRunningTimeoutSec JobTimeoutRebootArgument
     FailureActionExitStatus SuccessActionExitStatus RebootArgument`,
  ),
  ...keys(
    boolean,
    `StopWhenUnneeded RefuseManualStart RefuseManualStop AllowIsolate DefaultDependencies
     IgnoreOnIsolate`,
  ),
  ...keys(emergencyAction, "JobTimeoutAction StartLimitAction FailureAction SuccessAction"),
  ...keys(timeSpan, "StartLimitIntervalSec"),
  ...keys(unsigned, "StartLimitBurst"),
  ...keys(
    pathCondition,
    `ConditionPathExists ConditionPathExistsGlob ConditionPathIsDirectory
     ConditionPathIsSymbolicLink ConditionPathIsMountPoint ConditionPathIsReadWrite
     ConditionPathIsEncrypted ConditionDirectoryNotEmpty ConditionFileNotEmpty
     ConditionFileIsExecutable ConditionNeedsUpdate AssertPathExists AssertPathExistsGlob
     AssertPathIsDirectory AssertPathIsSymbolicLink AssertPathIsMountPoint
     AssertPathIsReadWrite AssertPathIsEncrypted AssertDirectoryNotEmpty AssertFileNotEmpty
     AssertFileIsExecutable AssertNeedsUpdate`,
  ),
  ...keys(
    condition,
    `ConditionFirstBoot ConditionArchitecture ConditionFirmware ConditionVirtualization
     ConditionHost ConditionKernelCommandLine ConditionKernelVersion ConditionCredential
     ConditionSecurity ConditionCapability ConditionACPower ConditionMemory ConditionCPUFeature
     ConditionCPUs ConditionEnvironment ConditionUser ConditionGroup
     ConditionControlGroupController ConditionOSRelease ConditionMemoryPressure
     ConditionCPUPressure ConditionIOPressure AssertFirstBoot AssertArchitecture
     AssertVirtualization AssertHost AssertKernelCommandLine AssertKernelVersion
     AssertCredential AssertSecurity AssertCapability AssertACPower AssertMemory
     AssertCPUFeature AssertCPUs AssertEnvironment AssertUser AssertGroup
     AssertControlGroupController AssertOSRelease AssertMemoryPressure AssertCPUPressure
     AssertIOPressure`,
  ),
  ...keys(jobMode, "OnSuccessJobMode OnFailureJobMode"),
  ...keys(collectMode, "CollectMode"),
  ...renamed(timeSpan, "StartLimitInterval=StartLimitIntervalSec"),
  ...renamed(
    unitList,
    `BindTo=BindsTo PropagateReloadTo=PropagatesReloadTo PropagateReloadFrom=ReloadPropagatedFrom`,
  ),
  OnFailureIsolate: { type: boolean, deprecated: "Use OnFailureJobMode=isolate." },
  RequiresOverridable: { type: opaque, removed: true, deprecated: "Use Wants=." },
  RequisiteOverridable: { type: opaque, removed: true, deprecated: "Use Requisite=." },
};

/** [Install] (systemd.unit(5)); read by `systemctl enable`, not when the unit runs. */
export const INSTALL_KEYS: KeyTable = {
  ...keys(installList, "Alias WantedBy RequiredBy Also"),
  ...keys(text, "DefaultInstance"),
};
