import { isIP } from "node:net";
import type { Answer } from "dns-packet";
import type { ServiceRecord } from "../record.js";
import type { Zone, ZoneRecord } from "./zone.js";

/** TTLs in seconds of records that name none: SkyDNS's, and one for records that end by themselves. */
const DEFAULT_TTL = 300;
const DEFAULT_LEASED_TTL = 10;
/** RFC 8767, section 4: what is stale is told for 30 s at most. */
const STALE_TTL_MAX = 30;
/** A chain of host names within the domain is followed so far. */
const CHAIN_MAX = 8;
const TXT_CHUNK_BYTES = 255;

/** What a question is answered from. */
export interface AnswerSource {
  readonly zone: Zone;
  /** "flotilla.local" */
  readonly domain: string;
  readonly stale: boolean;
}

/** The sections of an answer that are not the question's own. */
export interface Sections {
  readonly answers: readonly Answer[];
  readonly additionals: readonly Answer[];
}

/** A or AAAA: the addresses of the name's records; a host name becomes a CNAME and what it leads to. */
export function addresses(
  name: string,
  records: readonly ZoneRecord[],
  type: "A" | "AAAA",
  source: AnswerSource,
  depth = 0,
): Answer[] {
  const found = new Map<string, Answer>();
  let alias: Answer[] = [];
  for (const { record } of records) {
    const ttl = ttlOf(record, source);
    if (isIP(record.host) === (type === "A" ? 4 : 6)) {
      found.set(record.host, { type, name, ttl, data: record.host });
    } else if (record.host !== "" && isIP(record.host) === 0 && alias.length === 0) {
      alias = follow(name, record.host, ttl, type, source, depth);
    }
  }
  // A name that has addresses cannot be an alias as well (RFC 1034, section 3.6.2).
  return found.size > 0 ? [...found.values()] : alias;
}

function follow(
  name: string,
  host: string,
  ttl: number,
  type: "A" | "AAAA",
  source: AnswerSource,
  depth: number,
): Answer[] {
  const target = host.toLowerCase().replace(/\.$/, "");
  if (target === name.toLowerCase() || depth >= CHAIN_MAX) return [];
  const alias: Answer = { type: "CNAME", name, ttl, data: target };
  const labels = labelsWithin(target, source.domain);
  if (labels === undefined) return [alias];
  const records = source.zone.lookup(labels) ?? [];
  return [alias, ...addresses(target, records, type, source, depth + 1)];
}

/**
 * SRV as SkyDNS and CoreDNS's etcd plugin give it: a record's weight is its share in percent of all
 * of its priority, at least 1. An IP address gets a target made from the key, with its address in
 * the additional section.
 */
export function services(
  name: string,
  records: readonly ZoneRecord[],
  source: AnswerSource,
): Sections {
  const withPort = records.filter(({ record }) => record.port > 0 && record.host !== "");
  const totals = new Map<number, number>();
  for (const { record } of withPort) {
    totals.set(record.priority, (totals.get(record.priority) ?? 0) + record.weight);
  }
  const answers = new Map<string, Answer>();
  const additionals = new Map<string, Answer>();
  for (const { labels, record } of withPort) {
    const { priority, port, host } = record;
    const ttl = ttlOf(record, source);
    const weight = Math.max(1, Math.floor((100 * record.weight) / totals.get(priority)!));
    const target = isIP(host) === 0 ? host.replace(/\.$/, "") : targetOf(labels, record, source);
    const data = { priority, weight, port, target };
    answers.set(`${target}:${port}`, { type: "SRV", name, ttl, data });
    for (const extra of targetAddresses(target, record, ttl, source)) {
      additionals.set(JSON.stringify(extra), extra);
    }
  }
  return { answers: [...answers.values()], additionals: [...additionals.values()] };
}

function targetOf(
  labels: readonly string[],
  record: ServiceRecord,
  { domain }: AnswerSource,
): string {
  return [...labels.slice(record.targetStrip), domain].join(".");
}

function targetAddresses(
  target: string,
  { host }: ServiceRecord,
  ttl: number,
  source: AnswerSource,
): Answer[] {
  const family = isIP(host);
  if (family !== 0) return [{ type: family === 4 ? "A" : "AAAA", name: target, ttl, data: host }];
  const labels = labelsWithin(target.toLowerCase(), source.domain);
  const records = labels === undefined ? undefined : source.zone.lookup(labels);
  if (records === undefined) return [];
  return [
    ...addresses(target, records, "A", source),
    ...addresses(target, records, "AAAA", source),
  ];
}

/** TXT: the texts, in strings of 255 bytes. */
export function texts(
  name: string,
  records: readonly ZoneRecord[],
  source: AnswerSource,
): Answer[] {
  const answers: Answer[] = [];
  for (const { record } of records) {
    if (record.text === undefined) continue;
    const bytes = Buffer.from(record.text);
    const data: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += TXT_CHUNK_BYTES) {
      data.push(bytes.subarray(at, at + TXT_CHUNK_BYTES));
    }
    answers.push({ type: "TXT", name, ttl: ttlOf(record, source), data });
  }
  return answers;
}

function ttlOf({ ttl, leased }: ZoneRecord["record"], { stale }: AnswerSource): number {
  const seconds = ttl ?? (leased ? DEFAULT_LEASED_TTL : DEFAULT_TTL);
  return stale ? Math.min(seconds, STALE_TTL_MAX) : seconds;
}

/** The labels of a name before the domain, or undefined for a name that is not in it. */
export function labelsWithin(name: string, domain: string): string[] | undefined {
  if (name === domain) return [];
  if (!name.endsWith(`.${domain}`)) return undefined;
  return name.slice(0, -domain.length - 1).split(".");
}
