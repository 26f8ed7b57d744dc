/**
 * The HTTP API of a node, version 1, as JSON. Served on a unix socket (`<data-dir>/api.sock`) and
 * on a loopback address. Every error has the body {@link ApiError} and a fitting status: 400 bad
 * input, 404 unknown unit, 409 in conflict with what is there, 503 when the store cannot be reached.
 *
 * | method and path | takes | gives |
 * | --- | --- | --- |
 * | GET /health | | {@link Health}, 200 or 503 |
 * | GET /metrics | | Prometheus text |
 * | GET /flotilla/v1/cluster | | {@link ClusterInfo} |
 * | GET /flotilla/v1/machines | | {@link MachineInfo}[] by ID |
 * | GET /flotilla/v1/units | | {@link UnitInfo}[] by name |
 * | GET /flotilla/v1/units/NAME | | {@link UnitDetail} |
 * | PUT /flotilla/v1/units/NAME | {@link PutUnit} | {@link PutUnitResult}, 201 when new, else 200 |
 * | DELETE /flotilla/v1/units/NAME | | 204 |
 * | POST /flotilla/v1/units/NAME/restart | | {@link RestartResult} |
 * | GET /flotilla/v1/units/NAME/status | | {@link UnitStatusReport}[] one a machine |
 * | GET /flotilla/v1/units/NAME/journal?lines=&follow=&since=&after= | | NDJSON of {@link JournalLine} |
 * | GET /flotilla/v1/units/NAME/explain | | {@link Explanation} |
 * | GET /flotilla/v1/states | | {@link UnitStateInfo}[] by name, then machine |
 * | GET /flotilla/v1/services | | {@link ServiceInfo}[] by name |
 * | GET /flotilla/v1/services/NAME | | {@link ServiceInfo} |
 */
export const API_PREFIX = "/flotilla/v1";

export type DesiredState = "inactive" | "loaded" | "launched";

export interface ApiError {
  readonly error: {
    /** Stable, kebab-case. */
    readonly code: string;
    readonly message: string;
    /** How to mend it. */
    readonly hint?: string;
    /** Of a refused unit file, as `file:line:column: severity: message [code]`. */
    readonly diagnostics?: readonly string[];
  };
}

export interface Health {
  readonly status: "ok" | "degraded" | "failed";
  readonly machine: string;
  /** A linearizable read went through lately. */
  readonly store: boolean;
  readonly reason?: string;
}

export interface ClusterInfo {
  readonly version: string;
  readonly clusterId: string;
  /** The machine that answered. */
  readonly machine: string;
  readonly name: string;
  readonly store: {
    readonly kind: "embedded" | "external";
    /** `http://host:port` of the store's clients. */
    readonly endpoints: readonly string[];
    /** Name of the store's leader as this member knows it; absent where unknown or external. */
    readonly leader?: string;
    readonly members: readonly { readonly name: string; readonly clientUrls: readonly string[] }[];
  };
  /** Machine ID of the engine's leader. */
  readonly engine?: string;
  /** `host:port` of this node's DNS server, when on. */
  readonly dns?: string;
  readonly domain: string;
}

export interface MachineInfo {
  readonly id: string;
  readonly name: string;
  readonly ip: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** `http://host:port` of its API. */
  readonly api: string;
  readonly version: string;
}

export interface UnitInfo {
  readonly name: string;
  /** SHA-1 of the unit file, hex (fleet's way). */
  readonly hash: string;
  readonly desired: DesiredState;
  /** Where the cluster has got to with it; absent for global units, as in fleet. */
  readonly current?: DesiredState;
  readonly description: string;
  readonly global: boolean;
  /** Machine ID it is scheduled to. */
  readonly target?: string;
  /** Why it has no target, when it should have one. */
  readonly unplaced?: string;
}

export interface UnitDetail extends UnitInfo {
  /** Byte-exact. */
  readonly content: string;
  readonly states: readonly UnitStateInfo[];
}

export interface UnitStateInfo {
  readonly name: string;
  readonly hash: string;
  readonly machine: string;
  readonly load: string;
  readonly active: string;
  readonly sub: string;
  readonly mainPid: number;
  readonly restarts: number;
  /** Milliseconds since the epoch. */
  readonly changedAt: number;
}

export interface PutUnit {
  /** Absent: only the desired state changes (404 where the unit and its template are unknown). */
  readonly content?: string;
  readonly desired: DesiredState;
  /** Take the content although another is there (else 409 `unit-differs`). */
  readonly replace?: boolean;
}

export interface PutUnitResult {
  readonly unit: UnitInfo;
  readonly created: boolean;
  readonly warnings: readonly string[];
}

export interface RestartResult {
  readonly machine: string;
  readonly result: string;
}

export interface UnitStatusReport {
  readonly machine: string;
  readonly ip: string;
  readonly name: string;
  readonly description: string;
  readonly load: string;
  readonly active: string;
  readonly sub: string;
  readonly result: string;
  readonly mainPid: number;
  readonly statusText: string;
  readonly exitCode?: number;
  readonly exitSignal?: string;
  readonly restarts: number;
  readonly changedAt: number;
  readonly memoryBytes?: number;
  readonly tasks?: number;
  readonly cpuUsec?: number;
  readonly journal: readonly JournalLine[];
}

export interface JournalLine {
  readonly machine: string;
  readonly cursor: number;
  readonly timestamp: number;
  readonly unit: string;
  readonly source: "stdout" | "stderr" | "supervisor";
  readonly identifier: string;
  readonly pid: number;
  readonly message: string;
}

export interface Explanation {
  readonly unit: string;
  readonly target?: string;
  readonly reason: string;
  readonly machines: readonly {
    readonly machine: string;
    readonly fits: boolean;
    readonly reasons: readonly string[];
    /** Among the machines that fit, 1 for the one that it would get. */
    readonly choice?: number;
    /** Units there, global ones counted. */
    readonly load: number;
  }[];
}

export interface ServiceInfo {
  readonly service: string;
  readonly endpoints: readonly {
    readonly id: string;
    readonly host: string;
    readonly port: number;
  }[];
}
