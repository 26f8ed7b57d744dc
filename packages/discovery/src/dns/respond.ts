import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  type DecodedPacket,
  decode,
  encode,
  encodingLength,
  type OptAnswer,
  type Packet,
  type Question,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from "dns-packet";
import { type AnswerSource, addresses, labelsWithin, services, texts } from "./answers.js";
import type { Zone, ZoneRecord } from "./zone.js";

/** Response codes (RFC 1035, section 4.1.1; RFC 6891 for BADVERS). */
const NOERROR = 0;
const FORMERR = 1;
const SERVFAIL = 2;
const NXDOMAIN = 3;
const NOTIMP = 4;
const REFUSED = 5;
const BADVERS = 16;

/** Without EDNS, and the most that is sent in one datagram: above it paths may lose fragments. */
const UDP_BYTES_MIN = 512;
const UDP_BYTES_MAX = 1_232;
const TCP_BYTES_MAX = 65_535;

/** What the server knows when a question comes. */
export interface ResponderState {
  /** Undefined until the store told the records once. */
  readonly zone: Zone | undefined;
  readonly domain: string;
  readonly stale: boolean;
  /** The store's revision: the serial of the zone. */
  readonly revision: number;
  /** How long "there is none" holds, in seconds. */
  readonly negativeTtl: number;
  /** The address of the server itself, for its NS record. */
  readonly address: string;
}

/**
 * The answer to one message, or undefined when it deserves none: it is no query, or cannot be read.
 * `rotation` turns the order of the answers, so that clients that take the first spread out.
 */
export function respond(
  message: Buffer,
  transport: "udp" | "tcp",
  state: ResponderState,
  rotation: number,
): Buffer | undefined {
  let query: DecodedPacket;
  try {
    query = decode(message);
  } catch {
    return undefined;
  }
  if (query.flag_qr) return undefined;
  const opt = query.additionals?.find((each): each is OptAnswer => each.type === "OPT");
  const reply = answer(query, opt, state);
  rotate(reply.answers, rotation);
  try {
    return fit(query, reply, opt, transport);
  } catch {
    // A name that can be read but not written again, or a record that fits no packet.
    return encode(packetOf(query, { ...EMPTY(), rcode: SERVFAIL }, opt));
  }
}

interface Reply {
  rcode: number;
  authoritative: boolean;
  answers: Answer[];
  authorities: Answer[];
  additionals: Answer[];
}

const EMPTY = (): Reply => ({
  rcode: NOERROR,
  authoritative: false,
  answers: [],
  authorities: [],
  additionals: [],
});

function answer(query: DecodedPacket, opt: OptAnswer | undefined, state: ResponderState): Reply {
  const question = query.questions?.[0];
  if (((query.flags ?? 0) >> 11) % 16 !== 0) return { ...EMPTY(), rcode: NOTIMP };
  if (question === undefined || query.questions?.length !== 1)
    return { ...EMPTY(), rcode: FORMERR };
  if (opt !== undefined && opt.ednsVersion !== 0) return { ...EMPTY(), rcode: BADVERS };
  const labels = labelsWithin(question.name.toLowerCase(), state.domain);
  const known = question.class === "IN" || question.class === "ANY";
  if (labels === undefined || !known) return { ...EMPTY(), rcode: REFUSED };
  if (state.zone === undefined) return { ...EMPTY(), rcode: SERVFAIL };
  return inZone(question, labels, { ...state, zone: state.zone });
}

function inZone(
  question: Question,
  labels: readonly string[],
  state: ResponderState & AnswerSource,
): Reply {
  const reply = { ...EMPTY(), authoritative: true };
  if (labels.length === 0 && question.type === "SOA") return { ...reply, answers: [soa(state)] };
  if (labels.length === 0 && question.type === "NS") return { ...reply, ...nameServer(state) };
  const own = labels.join(".") === "ns.dns";
  const records = own ? ownRecord(state) : recordsOf(labels, state);
  if (records === undefined) return { ...reply, rcode: NXDOMAIN, authorities: [soa(state)] };
  const { answers, additionals = [] } = byType(question, records, state);
  if (answers.length === 0) return { ...reply, authorities: [soa(state)] };
  return { ...reply, answers: [...answers], additionals: [...additionals] };
}

/** The domain itself has the records below `dns/apex`; it exists without any. */
function recordsOf(
  labels: readonly string[],
  { zone }: AnswerSource,
): readonly ZoneRecord[] | undefined {
  if (labels.length === 0) return zone.lookup(["apex", "dns"]) ?? [];
  return zone.lookup(labels) ?? byProtocol(labels, zone);
}

/** `_web._tcp` is what speaks TCP of `web` (RFC 2782), unless there is such a key. */
function byProtocol(
  [service = "", transport = "", ...rest]: readonly string[],
  zone: Zone,
): readonly ZoneRecord[] | undefined {
  if (!service.startsWith("_") || !/^_(tcp|udp)$/.test(transport)) return undefined;
  const found = zone
    .lookup([service.slice(1), ...rest])
    ?.filter(({ record }) => `_${record.protocol}` === transport);
  return found?.length === 0 ? undefined : found;
}

function byType(
  { name, type }: Question,
  records: readonly ZoneRecord[],
  source: AnswerSource,
): { answers: readonly Answer[]; additionals?: readonly Answer[] } {
  switch (type) {
    case "A":
    case "AAAA":
      return { answers: addresses(name, records, type, source) };
    case "CNAME":
      return {
        answers: addresses(name, records, "A", source)
          .slice(0, 1)
          .filter((each) => each.type === "CNAME"),
      };
    case "SRV":
      return services(name, records, source);
    case "TXT":
      return { answers: texts(name, records, source) };
    default:
      return { answers: [] };
  }
}

function soa({ domain, revision, negativeTtl }: ResponderState): Answer {
  return {
    type: "SOA",
    name: domain,
    ttl: negativeTtl,
    data: {
      mname: `ns.dns.${domain}`,
      rname: `hostmaster.${domain}`,
      serial: revision % 2 ** 32,
      refresh: 7_200,
      retry: 1_800,
      expire: 86_400,
      minimum: negativeTtl,
    },
  };
}

function nameServer(state: ResponderState & AnswerSource): Omit<Reply, "rcode" | "authoritative"> {
  const target = `ns.dns.${state.domain}`;
  const own = ownRecord(state);
  return {
    answers: [{ type: "NS", name: state.domain, ttl: state.negativeTtl, data: target }],
    authorities: [],
    additionals: [...addresses(target, own, "A", state), ...addresses(target, own, "AAAA", state)],
  };
}

function ownRecord({ address, negativeTtl }: ResponderState): readonly ZoneRecord[] {
  const shared = { port: 0, protocol: "udp", priority: 0, weight: 0, targetStrip: 0 } as const;
  // Listening on every address says nothing of one that reaches the server.
  const host = address === "0.0.0.0" || address === "::" ? "" : address;
  const record = { ...shared, host, ttl: negativeTtl, leased: false };
  return [{ labels: ["ns", "dns"], record }];
}

function rotate(answers: Answer[], by: number): void {
  // Aliases come before what they lead to.
  if (answers.length < 2 || answers.some(({ type }) => type === "CNAME")) return;
  answers.push(...answers.splice(0, by % answers.length));
}

/** The reply in as many bytes as there may be: additional records go first, then TC is set. */
function fit(
  query: DecodedPacket,
  reply: Reply,
  opt: OptAnswer | undefined,
  transport: "udp" | "tcp",
): Buffer {
  const asked = Math.max(UDP_BYTES_MIN, opt?.udpPayloadSize ?? UDP_BYTES_MIN);
  const limit = transport === "tcp" ? TCP_BYTES_MAX : Math.min(asked, UDP_BYTES_MAX);
  let packet = packetOf(query, reply, opt);
  if (encodingLength(packet) <= limit) return encode(packet);
  packet = packetOf(query, { ...reply, additionals: [] }, opt);
  if (encodingLength(packet) <= limit) return encode(packet);
  const { answers } = reply;
  let room =
    limit - encodingLength(packetOf(query, { ...reply, answers: [], additionals: [] }, opt));
  let count = 0;
  for (const each of answers) {
    room -= encodingLength({ answers: [each] }) - HEADER_BYTES;
    if (room < 0) break;
    count += 1;
  }
  const some = { ...reply, answers: answers.slice(0, count), additionals: [] };
  const cut = packetOf(query, some, opt);
  return encode({ ...cut, flags: (cut.flags ?? 0) | TRUNCATED_RESPONSE });
}

const HEADER_BYTES = 12;

function packetOf(query: DecodedPacket, reply: Reply, opt: OptAnswer | undefined): Packet {
  const { rcode, authoritative, answers, authorities, additionals } = reply;
  const recursion = (query.flags ?? 0) & RECURSION_DESIRED;
  const flags = (rcode & 0xf) | recursion | (authoritative ? AUTHORITATIVE_ANSWER : 0);
  const edns: Answer[] = opt === undefined ? [] : [ednsOf(rcode)];
  return {
    type: "response",
    id: query.id ?? 0,
    flags,
    questions: query.questions ?? [],
    answers,
    authorities,
    additionals: [...additionals, ...edns],
  };
}

function ednsOf(rcode: number): OptAnswer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize: UDP_BYTES_MAX,
    extendedRcode: rcode >> 4,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}
