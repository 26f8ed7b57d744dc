/**
 * What this package gives: places to run processes in. The shape is the one that
 * `@flotilla/supervisor` asks for; each declares it for itself, so neither depends on the other.
 */

/** What a unit's processes share: their cgroup, limits and (for a container) root filesystem. */
export interface SandboxSpec {
  /** Unique on the machine while it lives: the unit's name. */
  readonly id: string;
  /** A directory: the unit runs in a container with this root filesystem. */
  readonly rootDirectory?: string;
  /** Percent of one CPU. */
  readonly cpuQuotaPercent?: number;
  readonly cpuWeight?: number;
  readonly memoryMaxBytes?: number;
  readonly tasksMax?: number;
  /** Make a notify socket; its path is `Sandbox.notifySocket`. */
  readonly notify: boolean;
}

export interface ProcessSpec {
  /** Absolute, or a bare name to find in PATH. */
  readonly path: string;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  readonly user?: string;
  readonly group?: string;
  readonly supplementaryGroups?: readonly string[];
  readonly umask?: number;
  readonly nice?: number;
  readonly limits?: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
  /** Listeners to hand over as descriptors 3 and up, in this order, with LISTEN_FDS and LISTEN_PID. */
  readonly listeners?: readonly string[];
  /** Told again of the process to the one who adopts it ({@link AdoptedProcess}). */
  readonly tag?: string;
}

export type ProcessExit =
  | { readonly type: "exited"; readonly code: number }
  | { readonly type: "signaled"; readonly signal: string; readonly coreDumped: boolean };

/** Why a process could not be executed: `exitCode` is systemd's (200 CHDIR … 243), `step` its name. */
export interface SpawnFailure {
  readonly step: string;
  readonly exitCode: number;
  readonly message: string;
}

export interface RunningProcess {
  readonly pid: number;
  /** Resolves once execve succeeded (undefined) or the set-up failed. */
  readonly executed: Promise<SpawnFailure | undefined>;
  readonly exited: Promise<ProcessExit>;
}

/** A process that an earlier user of the runtime started; it may have ended since. */
export interface AdoptedProcess extends RunningProcess {
  readonly tag: string;
}

/** A piece of output as it came, not split into lines. */
export interface OutputChunk {
  readonly stream: "stdout" | "stderr";
  readonly pid: number;
  readonly data: Uint8Array;
}

export interface ResourceUsage {
  readonly cpuUsec: number;
  readonly memoryBytes: number;
  readonly tasks: number;
}

export interface Sandbox {
  readonly id: string;
  /** What to put in NOTIFY_SOCKET, as seen by the unit's processes. */
  readonly notifySocket?: string;
  /** Of a sandbox that was adopted: its processes, ended ones included, oldest first. */
  readonly adopted?: readonly AdoptedProcess[] | undefined;
  /** Limits of the specification that this machine cannot enforce, by their names there. */
  readonly ignoredLimits?: readonly string[];
  /** Output of every process of the sandbox; not reading it blocks the writer, never grows memory without bound. */
  onOutput: ((chunk: OutputChunk) => void) | undefined;
  /** A datagram on the notify socket, split at newlines. `pid` is 0 where the sender cannot be told. */
  onNotify: ((message: Readonly<Record<string, string>>, pid: number) => void) | undefined;
  /** Called when the last process of the sandbox is gone. */
  onEmpty: (() => void) | undefined;
  /** True when the kernel's OOM killer struck here since the last `exec` of an empty sandbox. */
  oomKilled(): Promise<boolean>;
  exec(spec: ProcessSpec): Promise<RunningProcess>;
  /** Sends to one process of the sandbox. */
  signal(pid: number, signal: string): Promise<void>;
  /** Sends to every process of the sandbox, those that detached included. */
  signalAll(signal: string): Promise<void>;
  pids(): Promise<readonly number[]>;
  /**
   * The end of a process that another one of the sandbox left behind, a daemon. Rejects where its
   * end cannot be told. Absent where none can be.
   */
  watch?(pid: number): Promise<Pick<RunningProcess, "pid" | "exited">>;
  stats(): Promise<ResourceUsage>;
  /** Kills what is left and removes cgroup, socket and bundle. */
  delete(): Promise<void>;
}

/** A socket or FIFO that a unit is activated by (systemd.socket(5)). */
export interface ListenerSpec {
  /** Unique on the machine. One of this name that an earlier user of the runtime made is used again. */
  readonly id: string;
  readonly type: "stream" | "datagram" | "seqpacket" | "fifo";
  readonly address: /** `@` in front: an abstract name. */
    | { readonly family: "unix"; readonly path: string }
    | { readonly family: "inet" | "inet6"; readonly host: string; readonly port: number };
  /** Of a file; 0o666 by default. */
  readonly mode?: number;
  /** 4096 by default. */
  readonly backlog?: number;
}

/** A listener that the runtime holds. */
export interface Listener {
  readonly id: string;
  /** Where a port was asked for: the one that it has. */
  readonly port: number;
  /** Calls back once, when a connection or data waits; again only when armed again. */
  arm(incoming: () => void): Promise<void>;
  close(): Promise<void>;
}

/** What outlives a user of the runtime that was killed, for the one that comes after it. */
export interface RuntimeRemains {
  /** Sandboxes that were left, by their `id`; each gives its events once it was adopted. */
  readonly sandboxes: readonly string[];
  /** What was noted. */
  readonly notes: ReadonlyMap<string, string>;
}

export interface Runtime extends AsyncDisposable {
  create(spec: SandboxSpec): Promise<Sandbox>;
  /** There when an earlier user of the runtime left something: it was killed, or let go. */
  readonly remains?: RuntimeRemains | undefined;
  /** Makes a socket or FIFO to hand to processes ({@link ProcessSpec.listeners}). */
  listen?(spec: ListenerSpec): Promise<Listener>;
  /** Takes over a sandbox of `remains`. */
  adopt?(id: string): Promise<Sandbox>;
  /**
   * Keeps a value for the next user, for as long as the processes live; "" forgets it. Absent when
   * nothing outlives this user.
   */
  note?: ((key: string, value: string) => void) | undefined;
  /** Lets go of everything without stopping it, in place of disposal. */
  detach?(): Promise<void>;
}
