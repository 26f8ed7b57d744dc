import { exec, path, serviceReference, unitReference } from "./list-types.js";
import { listen } from "./listen-types.js";
import {
  boolean,
  descriptorName,
  mode,
  opaque,
  size,
  text,
  timeout,
  timeSpan,
  unsigned,
} from "./scalar-types.js";
import {
  LISTENERS,
  PATH_WATCHES,
  pathWatch,
  piled,
  TIMER_TRIGGERS,
  timerTrigger,
} from "./trigger-types.js";
import { type KeyTable, keys } from "./value-type.js";

/** [Socket] without what it shares with other types. */
export const SOCKET_KEYS: KeyTable = {
  ...keys(
    opaque,
    `SocketProtocol BindIPv6Only BindToDevice SocketUser
     SocketGroup Priority IPTOS IPTTL Mark Timestamping MessageQueueMaxMessages
     MessageQueueMessageSize Symlinks
     TCPCongestion`,
  ),
  ...piled(
    listen,
    LISTENERS,
    `ListenStream ListenDatagram ListenSequentialPacket ListenFIFO ListenNetlink ListenSpecial
     ListenMessageQueue ListenUSBFunction`,
  ),
  ...keys(descriptorName, "FileDescriptorName"),
  ...keys(serviceReference, "Service"),
  ...keys(
    unsigned,
    `Backlog MaxConnections MaxConnectionsPerSource KeepAliveProbes TriggerLimitBurst`,
  ),
  ...keys(exec, "ExecStartPre ExecStartPost ExecStopPre ExecStopPost"),
  ...keys(mode, "SocketMode DirectoryMode"),
  ...keys(
    boolean,
    `Accept FlushPending Writable KeepAlive NoDelay FreeBind Transparent Broadcast
     PassCredentials PassSecurity PassPacketInfo ReusePort RemoveOnStop SELinuxContextFromNet`,
  ),
  ...keys(timeSpan, `KeepAliveTimeSec KeepAliveIntervalSec DeferAcceptSec TriggerLimitIntervalSec`),
  ...keys(timeout, "TimeoutSec"),
  ...keys(size, "ReceiveBuffer SendBuffer PipeSize"),
  ...keys(text, "SmackLabel SmackLabelIPIn SmackLabelIPOut"),
};

/** [Mount] without what it shares with other types. */
export const MOUNT_KEYS: KeyTable = {
  ...keys(text, "What Options Type"),
  ...keys(path, "Where"),
  ...keys(timeout, "TimeoutSec"),
  ...keys(mode, "DirectoryMode"),
  ...keys(boolean, "SloppyOptions LazyUnmount ForceUnmount ReadWriteOnly"),
};

/** [Automount] without what it shares with other types. */
export const AUTOMOUNT_KEYS: KeyTable = {
  ...keys(path, "Where"),
  ...keys(text, "ExtraOptions"),
  ...keys(mode, "DirectoryMode"),
  ...keys(timeout, "TimeoutIdleSec"),
};

/** [Swap] without what it shares with other types. */
export const SWAP_KEYS: KeyTable = {
  ...keys(path, "What"),
  ...keys(text, "Options"),
  ...keys(opaque, "Priority"),
  ...keys(timeout, "TimeoutSec"),
};

/** [Timer] without what it shares with other types. */
export const TIMER_KEYS: KeyTable = {
  ...piled(
    timerTrigger,
    TIMER_TRIGGERS,
    `OnCalendar OnActiveSec OnBootSec OnStartupSec OnUnitActiveSec OnUnitInactiveSec`,
  ),
  ...keys(
    boolean,
    `OnClockChange OnTimezoneChange Persistent WakeSystem RemainAfterElapse FixedRandomDelay`,
  ),
  ...keys(timeSpan, "AccuracySec RandomizedDelaySec"),
  ...keys(unitReference, "Unit"),
};

/** [Path] without what it shares with other types. */
export const PATH_KEYS: KeyTable = {
  ...piled(
    pathWatch,
    PATH_WATCHES,
    `PathExists PathExistsGlob PathChanged PathModified DirectoryNotEmpty`,
  ),
  ...keys(unitReference, "Unit"),
  ...keys(boolean, "MakeDirectory"),
  ...keys(mode, "DirectoryMode"),
  ...keys(timeSpan, "TriggerLimitIntervalSec"),
  ...keys(unsigned, "TriggerLimitBurst"),
};

/** [Scope] without what it shares with other types. */
export const SCOPE_KEYS: KeyTable = {
  ...keys(timeSpan, "RuntimeMaxSec RuntimeRandomizedExtraSec TimeoutStopSec"),
  ...keys(opaque, "OOMPolicy"),
};
