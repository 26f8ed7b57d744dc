import {
  blockWeight,
  boolean,
  cpuQuota,
  memoryLimit,
  opaque,
  signal,
  tasksLimit,
  weight,
} from "./scalar-types.js";
import { discouraged, type KeyTable, keys } from "./value-type.js";
import { devicePolicy, killMode } from "./word-types.js";

/** Control group settings (systemd.resource-control(5)). */
export const RESOURCE_KEYS: KeyTable = {
  ...keys(
    opaque,
    `Slice AllowedCPUs StartupAllowedCPUs AllowedMemoryNodes StartupAllowedMemoryNodes
     CPUQuotaPeriodSec DeviceAllow IODeviceWeight IOReadBandwidthMax
     IOWriteBandwidthMax IOReadIOPSMax IOWriteIOPSMax IODeviceLatencyTargetSec
     Delegate DisableControllers
     IPAddressAllow IPAddressDeny IPIngressFilterPath IPEgressFilterPath ManagedOOMSwap
     ManagedOOMMemoryPressure ManagedOOMMemoryPressureLimit ManagedOOMPreference BPFProgram
     SocketBindAllow SocketBindDeny RestrictNetworkInterfaces`,
  ),
  ...keys(boolean, `CPUAccounting MemoryAccounting IOAccounting TasksAccounting IPAccounting`),
  ...keys(weight, `CPUWeight StartupCPUWeight IOWeight StartupIOWeight `),
  ...keys(
    memoryLimit,
    `MemoryMin DefaultMemoryMin DefaultMemoryLow MemoryLow MemoryHigh MemoryMax MemorySwapMax`,
  ),
  ...keys(devicePolicy, "DevicePolicy"),
  ...keys(cpuQuota, "CPUQuota"),
  ...keys(tasksLimit, "TasksMax"),
  ...discouraged(memoryLimit, "MemoryLimit", "Use MemoryMax=."),
  ...discouraged(opaque, "CPUShares StartupCPUShares", "Use CPUWeight=."),
  ...keys(blockWeight, "BlockIOWeight StartupBlockIOWeight"),
  ...keys(boolean, "BlockIOAccounting"),
  ...discouraged(
    opaque,
    "BlockIODeviceWeight BlockIOReadBandwidth BlockIOWriteBandwidth",
    "Use IODeviceWeight=, IOReadBandwidthMax= and IOWriteBandwidthMax=.",
  ),
};

/** How processes are ended (systemd.kill(5)). */
export const KILL_KEYS: KeyTable = {
  ...keys(boolean, "SendSIGKILL SendSIGHUP"),
  ...keys(killMode, "KillMode"),
  ...keys(signal, "KillSignal RestartKillSignal FinalKillSignal WatchdogSignal"),
};
