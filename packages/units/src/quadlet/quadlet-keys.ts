import { environment, unitList } from "../keys/list-types.js";
import { boolean, opaque } from "../keys/scalar-types.js";
import { SectionTable } from "../keys/section-table.js";
import { SECTIONS } from "../keys/sections.js";
import { type KeyTable, keys, type ValueType } from "../keys/value-type.js";
import { parseBoolean } from "../values/scalars.js";

/** Notify= takes `healthy`, too. */
const notify: ValueType<string> = {
  ...boolean,
  name: "boolean, or healthy",
  words: [...(boolean.words ?? []), "healthy"],
  read: (value, context) => {
    if (value === "healthy" || parseBoolean(value) !== undefined) return value;
    const message = `${JSON.stringify(value)} is neither a boolean nor healthy.`;
    return context.report({ message, hint: "Write yes, no or healthy.", severity: "error" });
  },
};

const COMMON = keys(opaque, "ContainersConfModule GlobalArgs PodmanArgs ServiceName");

const retired = (names: string): KeyTable =>
  Object.fromEntries(
    names.split(" ").map((name) => [name, { type: opaque, deprecated: "Use UserNS=." }]),
  );

const REMAP = retired("RemapGid RemapUid RemapUidSize RemapUsers");

const CONTAINER: KeyTable = {
  ...COMMON,
  ...REMAP,
  VolatileTmp: { type: boolean, deprecated: "Use Tmpfs=/tmp." },
  ...keys(
    opaque,
    `AddCapability AddDevice AddHost Annotation AppArmor AutoUpdate CgroupsMode ContainerName DNS
     DNSOption DNSSearch DropCapability Entrypoint Exec ExposeHostPort GIDMap Group GroupAdd
     HealthCmd HealthInterval HealthLogDestination HealthMaxLogCount HealthMaxLogSize
     HealthOnFailure HealthRetries HealthStartPeriod HealthStartupCmd HealthStartupInterval
     HealthStartupRetries HealthStartupSuccess HealthStartupTimeout HealthTimeout HostName IP IP6
     Image Label LogDriver LogOpt Mask Memory Mount Network NetworkAlias PidsLimit Pod PublishPort
     Pull ReloadCmd ReloadSignal Retry RetryDelay Rootfs SeccompProfile Secret
     SecurityLabelFileType SecurityLabelLevel SecurityLabelType ShmSize StopSignal StopTimeout
     SubGIDMap SubUIDMap Sysctl Timezone Tmpfs UIDMap Ulimit Unmask User UserNS Volume WorkingDir`,
  ),
  ...keys(
    boolean,
    `EnvironmentHost HttpProxy NoNewPrivileges ReadOnly ReadOnlyTmpfs RunInit SecurityLabelDisable
     SecurityLabelNested StartWithPod`,
  ),
  ...keys(notify, "Notify"),
  ...keys(environment, "Environment"),
  ...keys(opaque, "EnvironmentFile"),
};

const POD: KeyTable = {
  ...COMMON,
  ...REMAP,
  ...keys(
    opaque,
    `AddHost DNS DNSOption DNSSearch ExitPolicy GIDMap HostName IP IP6 Label Network NetworkAlias
     PodName PublishPort ShmSize StopTimeout SubGIDMap SubUIDMap UIDMap UserNS Volume`,
  ),
};

const VOLUME: KeyTable = {
  ...COMMON,
  ...keys(opaque, "Device Driver GID Group Image Label Options Type UID User VolumeName"),
  ...keys(boolean, "Copy"),
};

const NETWORK: KeyTable = {
  ...COMMON,
  ...keys(
    opaque,
    `DNS Driver Gateway IPAMDriver IPRange InterfaceName Label NetworkName Options Subnet`,
  ),
  ...keys(boolean, "DisableDNS IPv6 Internal NetworkDeleteOnStop"),
};

const IMAGE: KeyTable = {
  ...COMMON,
  ...keys(
    opaque,
    "Arch AuthFile CertDir Creds DecryptionKey Image ImageTag OS Policy Retry RetryDelay Variant",
  ),
  ...keys(boolean, "AllTags TLSVerify"),
};

const KUBE: KeyTable = {
  ...COMMON,
  ...REMAP,
  ...keys(
    opaque,
    `AutoUpdate ConfigMap ExitCodePropagation LogDriver LogOpt Network PublishPort
     SetWorkingDirectory UserNS Yaml`,
  ),
  ...keys(boolean, "KubeDownForce"),
};

const BUILD: KeyTable = {
  ...COMMON,
  ...keys(
    opaque,
    `Annotation Arch AuthFile BuildArg DNS DNSOption DNSSearch File GroupAdd IgnoreFile ImageTag
     Label Network Pull Retry RetryDelay Secret SetWorkingDirectory Target Variant Volume`,
  ),
  ...keys(environment, "Environment"),
  ...keys(boolean, "ForceRM TLSVerify"),
};

const ARTIFACT: KeyTable = {
  ...COMMON,
  ...keys(opaque, "Artifact AuthFile CertDir Creds DecryptionKey Retry RetryDelay"),
  ...keys(boolean, "Quiet TLSVerify"),
};

/** A kind of quadlet file: its section, and keys of which one must be there. */
export interface QuadletKind {
  readonly section: string;
  readonly needs: readonly (readonly string[])[];
  readonly table: SectionTable;
}

/** Dependencies may be quadlet files, too: podman puts the units' names in their place. */
const quadletList: typeof unitList = {
  ...unitList,
  name: "unit or quadlet names",
  read: (value, context) => unitList.read(value.replace(QUADLET_NAMES, ".service"), context),
};

const QUADLET_NAMES = /\.(?:container|pod|volume|network|image|kube|build|artifact)(?=[ \t]|$)/g;

const DEPENDENCIES = keys(
  quadletList,
  `After Before BindsTo Conflicts OnFailure OnSuccess PartOf PropagatesReloadTo PropagatesStopTo
   ReloadPropagatedFrom Requires Requisite StopPropagatedFrom Upholds Wants`,
);

function kind(section: string, own: KeyTable, needs: readonly string[][]): QuadletKind {
  const { Unit, Install, Service } = SECTIONS;
  const table = new SectionTable({
    Unit: { keys: { ...Unit?.keys, ...DEPENDENCIES } },
    ...(Install ? { Install } : {}),
    ...(Service ? { Service } : {}),
    Quadlet: { keys: keys(boolean, "DefaultDependencies") },
    [section]: { keys: own },
  });
  return { section, needs, table };
}

/** By file name extension (podman-systemd.unit(5)). */
export const QUADLET_KINDS: ReadonlyMap<string, QuadletKind> = new Map([
  ["container", kind("Container", CONTAINER, [["Image", "Rootfs"]])],
  ["pod", kind("Pod", POD, [])],
  ["volume", kind("Volume", VOLUME, [])],
  ["network", kind("Network", NETWORK, [])],
  ["image", kind("Image", IMAGE, [["Image"]])],
  ["kube", kind("Kube", KUBE, [["Yaml"]])],
  ["build", kind("Build", BUILD, [["ImageTag"], ["File", "SetWorkingDirectory"]])],
  ["artifact", kind("Artifact", ARTIFACT, [["Artifact"]])],
]);
