import {
  accountName,
  accountNames,
  environment,
  environmentFiles,
  path,
  requiredPath,
  workingDirectory,
} from "./list-types.js";
import { resourceLimit } from "./resource-limit.js";
import {
  boolean,
  mode,
  nice,
  oomScore,
  opaque,
  requiredBoolean,
  text,
  timeSpan,
  unsigned,
} from "./scalar-types.js";
import { input, output } from "./stdio-types.js";
import { type KeyTable, keys } from "./value-type.js";
import { logLevel } from "./word-types.js";

/** What processes are started with (systemd.exec(5)). */
export const EXEC_KEYS: KeyTable = {
  ...keys(requiredBoolean, "DynamicUser"),
  ...keys(requiredPath, "RootDirectory RootImage RootVerity"),
  ...keys(path, "TTYPath NetworkNamespacePath IPCNamespacePath"),
  ...keys(
    opaque,
    `RootImageOptions RootHash RootHashSignature ExtensionDirectories ExtensionImages
     MountImages CoredumpFilter IOSchedulingClass IOSchedulingPriority CPUSchedulingPolicy
     CPUSchedulingPriority CPUAffinity NUMAPolicy NUMAMask PassEnvironment UnsetEnvironment
     StandardInputText StandardInputData TTYRows TTYColumns SyslogFacility LogExtraFields
     SecureBits CapabilityBoundingSet AmbientCapabilities TimerSlackNSec KeyringMode
     ProtectProc ProcSubset SystemCallFilter SystemCallArchitectures SystemCallErrorNumber
     SystemCallLog RestrictNamespaces RestrictAddressFamilies RestrictFileSystems
     ReadWriteDirectories ReadOnlyDirectories InaccessibleDirectories ReadWritePaths
     ReadOnlyPaths InaccessiblePaths ExecPaths NoExecPaths ExecSearchPath BindPaths
     BindReadOnlyPaths TemporaryFileSystem LogNamespace ProtectSystem ProtectHome MountFlags
     MountAPIVFS Personality RuntimeDirectoryPreserve RuntimeDirectory StateDirectory
     CacheDirectory LogsDirectory ConfigurationDirectory SetCredential SetCredentialEncrypted
     LoadCredential LoadCredentialEncrypted UtmpMode SELinuxContext AppArmorProfile
     SmackProcessLabel`,
  ),
  ...keys(nice, "Nice"),
  ...keys(oomScore, "OOMScoreAdjust"),
  ...keys(
    boolean,
    `CPUSchedulingResetOnFork RemoveIPC TTYReset TTYVHangup TTYVTDisallocate
     SyslogLevelPrefix NoNewPrivileges MemoryDenyWriteExecute RestrictRealtime RestrictSUIDSGID
     LockPersonality PrivateTmp PrivateDevices ProtectKernelTunables ProtectKernelModules
     ProtectKernelLogs ProtectClock ProtectControlGroups PrivateNetwork PrivateUsers
     PrivateMounts PrivateIPC IgnoreSIGPIPE ProtectHostname`,
  ),
  ...keys(
    mode,
    `UMask RuntimeDirectoryMode StateDirectoryMode CacheDirectoryMode LogsDirectoryMode
     ConfigurationDirectoryMode`,
  ),
  ...keys(environment, "Environment"),
  ...keys(environmentFiles, "EnvironmentFile"),
  ...keys(input, "StandardInput"),
  ...keys(output, "StandardOutput StandardError"),
  ...keys(text, "SyslogIdentifier PAMName UtmpIdentifier"),
  ...keys(logLevel, "SyslogLevel LogLevelMax"),
  ...keys(timeSpan, "LogRateLimitIntervalSec TimeoutCleanSec"),
  ...keys(unsigned, "LogRateLimitBurst"),
  ...keys(
    resourceLimit,
    `LimitCPU LimitFSIZE LimitDATA LimitSTACK LimitCORE LimitRSS LimitNOFILE LimitAS LimitNPROC
     LimitMEMLOCK LimitLOCKS LimitSIGPENDING LimitMSGQUEUE LimitNICE LimitRTPRIO LimitRTTIME`,
  ),
  ...keys(workingDirectory, "WorkingDirectory"),
  ...keys(accountName, "User Group"),
  ...keys(accountNames, "SupplementaryGroups"),
};
