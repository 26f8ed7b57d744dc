/** How a flag's value is given. */
type Kind = "string" | "bool" | "int";

interface FlagSpec {
  readonly kind: Kind;
  /** "yes": it does what it does in etcd. "ignored": harmless here. "refused": leaving it out would mislead. */
  readonly taken: "yes" | "ignored" | "refused";
  readonly help?: string;
}

const yes = (kind: Kind, help: string): FlagSpec => ({ kind, taken: "yes", help });
const ignored = (kind: Kind): FlagSpec => ({ kind, taken: "ignored" });
const refused = (kind: Kind): FlagSpec => ({ kind, taken: "refused" });

/** etcd's flags (3.4 and 3.5) and what becomes of each; any other is an error. */
const SPECS = {
  name: yes("string", "Name of this member (default)"),
  "data-dir": yes("string", "Directory of its data (NAME.etcd)"),
  "listen-client-urls": yes("string", "Where to listen for clients (http://localhost:2379)"),
  "listen-peer-urls": yes("string", "Where to listen for members (http://localhost:2380)"),
  "advertise-client-urls": yes("string", "What clients are told to dial"),
  "initial-advertise-peer-urls": yes("string", "What members are told to dial"),
  "initial-cluster": yes("string", "name=peer-url,… of all first members"),
  "initial-cluster-state": yes("string", "new or existing (new)"),
  "initial-cluster-token": yes("string", "Tells clusters apart (etcd-cluster)"),
  "join-endpoints": yes(
    "string",
    "With state existing: client URLs of running members (not etcd's)",
  ),
  "force-new-cluster": yes("bool", "A lost cluster's last member goes on as a new one (false)"),
  "api-version": yes("string", "Release of etcd that clients are told this is (3.5.0; not etcd's)"),
  "snapshot-count": yes("int", "Log entries between snapshots (50000)"),
  "heartbeat-interval": yes("int", "Milliseconds (100)"),
  "election-timeout": yes("int", "Milliseconds (1000)"),
  "max-txn-ops": yes("int", "Operations in one transaction (128)"),
  "max-request-bytes": yes("int", "Bytes of one request (1572864)"),
  "quota-backend-bytes": yes("int", "Bytes kept before writes are refused (2 GiB)"),
  "log-level": yes("string", "debug, info, warn, error, panic or fatal (info)"),
  version: yes("bool", "Print the version and exit"),
  help: yes("bool", "Print this and exit"),
  h: yes("bool", "As --help"),
  logger: ignored("string"),
  "log-outputs": ignored("string"),
  "log-output": ignored("string"),
  "log-format": ignored("string"),
  "log-package-levels": ignored("string"),
  debug: ignored("bool"),
  "wal-dir": refused("string"),
  "max-snapshots": ignored("int"),
  "max-wals": ignored("int"),
  cors: ignored("string"),
  "host-whitelist": ignored("string"),
  "backend-batch-limit": ignored("int"),
  "backend-batch-interval": ignored("string"),
  "backend-bbolt-freelist-type": ignored("string"),
  "pre-vote": ignored("bool"),
  "initial-election-tick-advance": ignored("bool"),
  "strict-reconfig-check": ignored("bool"),
  "grpc-keepalive-min-time": ignored("string"),
  "grpc-keepalive-interval": ignored("string"),
  "grpc-keepalive-timeout": ignored("string"),
  "socket-reuse-port": ignored("bool"),
  "socket-reuse-address": ignored("bool"),
  "enable-pprof": ignored("bool"),
  metrics: ignored("string"),
  "enable-v2": ignored("bool"),
  "unsafe-no-fsync": ignored("bool"),
  "experimental-initial-corrupt-check": ignored("bool"),
  "experimental-corrupt-check-time": ignored("string"),
  "experimental-compaction-batch-limit": ignored("int"),
  "experimental-enable-lease-checkpoint": ignored("bool"),
  "experimental-warning-apply-duration": ignored("string"),
  "experimental-peer-skip-client-san-verification": ignored("bool"),
  "auto-compaction-retention": refused("string"),
  "auto-compaction-mode": refused("string"),
  "config-file": refused("string"),
  discovery: refused("string"),
  "discovery-fallback": refused("string"),
  "discovery-proxy": refused("string"),
  "discovery-srv": refused("string"),
  "discovery-srv-name": refused("string"),
  proxy: refused("string"),
  "cert-file": yes("string", "PEM certificate shown to clients"),
  "key-file": yes("string", "Its private key"),
  "client-cert-auth": yes("bool", "Clients must show a certificate; its common name is their user"),
  "client-crl-file": yes("string", "Client certificates that are refused"),
  "client-cert-allowed-hostname": refused("string"),
  "trusted-ca-file": yes("string", "Authorities of clients' certificates, asked of all"),
  "auto-tls": yes("bool", "Show clients a self-signed certificate"),
  "peer-cert-file": yes("string", "PEM certificate shown to members"),
  "peer-key-file": yes("string", "Its private key"),
  "peer-client-cert-auth": yes("bool", "Always so: members show each other certificates"),
  "peer-trusted-ca-file": yes("string", "Authorities of members' certificates"),
  "peer-auto-tls": yes("bool", "Encrypt between members without files"),
  "peer-crl-file": refused("string"),
  "peer-cert-allowed-cn": refused("string"),
  "peer-cert-allowed-hostname": refused("string"),
  "cipher-suites": yes("string", "TLS suites for clients, by IANA names and comma"),
  "max-concurrent-streams": yes("int", "Calls open at a time of one connection (no bound)"),
  "auth-token": yes("string", "simple, or jwt,sign-method=…,priv-key=…,pub-key=…,ttl=… (simple)"),
  "auth-token-ttl": yes("int", "Seconds that a simple token lives beyond its last use (300)"),
  "bcrypt-cost": ignored("int"),
  "listen-metrics-urls": refused("string"),
} as const satisfies Readonly<Record<string, FlagSpec>>;

export type FlagName = keyof typeof SPECS;
/** Flags as given, by flag or by variable. */
export type Flags = Partial<Record<FlagName, string>>;

/** A command line or environment that cannot be taken; the message is for the user. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

function specOf(name: string): FlagSpec | undefined {
  return Object.hasOwn(SPECS, name) ? SPECS[name as FlagName] : undefined;
}

/**
 * Reads etcd's command line (one dash or two, `=` or a space) over its `ETCD_*` variables, which
 * flags override. Throws {@link UsageError} naming what is wrong.
 */
export function parseFlags(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Flags {
  const flags: Flags = { ...fromEnvironment(env), ...fromArguments(argv) };
  for (const [name, value] of Object.entries(flags)) checkFlag(name, value);
  return flags;
}

function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Flags {
  const flags: Flags = {};
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith("ETCD_") || value === undefined || value === "") continue;
    const name = variable.slice("ETCD_".length).toLowerCase().replaceAll("_", "-");
    // As etcd: a variable that is no flag of it is passed over.
    if (specOf(name) !== undefined) flags[name as FlagName] = value;
  }
  return flags;
}

function fromArguments(argv: readonly string[]): Flags {
  const flags: Flags = {};
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(argument);
    if (match === null) throw new UsageError(`'${argument}' is not a valid flag`);
    const [, name = "", inline] = match;
    const spec = specOf(name);
    if (spec === undefined) throw new UsageError(`flag provided but not defined: -${name}`);
    const value = inline ?? (spec.kind === "bool" ? "true" : rest.shift());
    if (value === undefined) throw new UsageError(`flag needs an argument: -${name}`);
    flags[name as FlagName] = value;
  }
  return flags;
}

const BOOLEANS = new Set(["true", "false", "1", "0", "t", "f"]);

function checkFlag(name: string, value: string): void {
  const spec = specOf(name);
  if (spec === undefined) return;
  if (spec.kind === "bool" && !BOOLEANS.has(value.toLowerCase())) {
    throw new UsageError(`invalid boolean value "${value}" for -${name}`);
  }
  if (spec.kind === "int" && !/^\d+$/.test(value)) {
    throw new UsageError(`invalid value "${value}" for flag -${name}: not a whole number`);
  }
  const off = spec.kind === "bool" ? !isTrue(value) : value === "";
  if (spec.taken === "refused" && !off && !isDefault(name, value)) {
    throw new UsageError(`-${name} is not supported yet, and leaving it out would mislead`);
  }
}

/** Values of refused flags that ask for nothing. */
function isDefault(name: string, value: string): boolean {
  const defaults: Readonly<Record<string, readonly string[]>> = {
    "auto-compaction-retention": ["0"],
    "auto-compaction-mode": ["periodic", "revision"],
    proxy: ["off"],
    "discovery-fallback": ["proxy", "exit"],
  };
  return defaults[name]?.includes(value) === true;
}

export function isTrue(value: string | undefined): boolean {
  return value !== undefined && ["true", "1", "t"].includes(value.toLowerCase());
}

/** Flags that were given and do nothing here. */
export function ignoredFlags(flags: Flags): readonly string[] {
  return Object.keys(flags).filter((name) => specOf(name)?.taken === "ignored");
}

/** The text of `--help`. */
export function helpText(): string {
  const lines = [
    "Usage: etcd [flags]",
    "       etcd gateway start [flags]",
    "",
    "A Flotilla store that takes etcd's flags:",
    "",
  ];
  for (const [name, spec] of Object.entries(SPECS as Readonly<Record<string, FlagSpec>>)) {
    if (spec.help !== undefined) lines.push(`  --${name.padEnd(30)} ${spec.help}`);
  }
  const named = (taken: FlagSpec["taken"]): string =>
    Object.entries(SPECS as Readonly<Record<string, FlagSpec>>)
      .filter(([, spec]) => spec.taken === taken)
      .map(([name]) => `--${name}`)
      .join(" ");
  lines.push("", "Every flag is also a variable: --data-dir is ETCD_DATA_DIR.");
  lines.push("", "Taken and without effect here:", `  ${named("ignored")}`);
  lines.push("", "Not supported yet (refused):", `  ${named("refused")}`, "");
  return lines.join("\n");
}
