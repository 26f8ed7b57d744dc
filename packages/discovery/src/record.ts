import type { KeyValue } from "./key-value.js";

export type Protocol = "tcp" | "udp";

/** One instance of a service, as found in the store. */
export interface Endpoint {
  readonly service: string;
  readonly id: string;
  /** An IP address or a host name. */
  readonly host: string;
  /** 0 when the record names none. */
  readonly port: number;
  readonly protocol: Protocol;
  /** As SRV (RFC 2782): lower comes first. */
  readonly priority: number;
  /** As SRV: the share among those of equal priority. */
  readonly weight: number;
  readonly text?: string;
}

/** SkyDNS's service record, with its defaults applied. */
export interface ServiceRecord {
  /** Undefined where the writer gave no ID of its own: then it is the last part of the key. */
  readonly id?: string;
  readonly host: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly priority: number;
  readonly weight: number;
  /** Seconds, undefined when the record says nothing. */
  readonly ttl?: number;
  readonly text?: string;
  /** Labels to cut from the left of a generated target name. */
  readonly targetStrip: number;
}

/** A pair as the store gives it. */
export type StoredPair = Awaited<ReturnType<KeyValue["range"]>>["kvs"][number];

/** SkyDNS's default. */
export const DEFAULT_PRIORITY = 10;
/** What CoreDNS takes for a record that names no weight. */
export const DEFAULT_WEIGHT = 100;

const UINT16_MAX = 65_535;
const UINT31_MAX = 0x7fff_ffff;

const decoder = new TextDecoder();

/** Undefined for a value that is no service record: others may write below `/skydns` as well. */
export function parseRecord(value: Uint8Array): ServiceRecord | undefined {
  let json: unknown;
  try {
    json = JSON.parse(decoder.decode(value));
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const fields = json as Readonly<Record<string, unknown>>;
  const id = textOf(fields["id"]);
  const ttl = integer(fields["ttl"], UINT31_MAX);
  const text = textOf(fields["text"]);
  return {
    host: textOf(fields["host"]) ?? "",
    port: integer(fields["port"], UINT16_MAX),
    protocol: fields["protocol"] === "udp" ? "udp" : "tcp",
    priority: integer(fields["priority"], UINT16_MAX) || DEFAULT_PRIORITY,
    weight: integer(fields["weight"], UINT16_MAX) || DEFAULT_WEIGHT,
    targetStrip: integer(fields["targetstrip"], UINT16_MAX),
    ...(id === undefined ? {} : { id }),
    ...(ttl === 0 ? {} : { ttl }),
    ...(text === undefined ? {} : { text }),
  };
}

/** The endpoints among the pairs below a service's prefix, by priority, then key. */
export function endpointsOf(
  service: string,
  pairs: Iterable<readonly [key: string, record: ServiceRecord]>,
): Endpoint[] {
  const found: (readonly [string, Endpoint])[] = [];
  for (const [key, { id, host, port, protocol, priority, weight, text }] of pairs) {
    if (host === "") continue;
    const name = id ?? key.slice(key.lastIndexOf("/") + 1);
    const endpoint = { service, id: name, host, port, protocol, priority, weight };
    found.push([key, text === undefined ? endpoint : { ...endpoint, text }]);
  }
  return found
    .sort(([a, one], [b, other]) => one.priority - other.priority || (a < b ? -1 : 1))
    .map(([, endpoint]) => endpoint);
}

/** The key of a stored pair as text. */
export function keyOf({ key }: { readonly key: Uint8Array }): string {
  return decoder.decode(key);
}

function integer(value: unknown, max: number): number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value <= max
    ? value
    : 0;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
