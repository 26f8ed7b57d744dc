import { createHash } from "node:crypto";
import type { Member } from "@flotilla/raft/node";
import type { StoreMemberInfo } from "../member/types.js";

/** What the group keeps of a member beside its ID: etcd's member attributes. */
export interface MemberAttributes {
  /** Empty until the member has started. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
}

/** 53 bits of a hash, so that it is exact as a JavaScript number; never 0, which means nobody. */
function hash53(text: string): number {
  const digest = createHash("sha1").update(text).digest();
  return Number(digest.readBigUInt64BE() >> 11n) || 1;
}

/** The ID of a first member: the same wherever it is computed, as etcd's is. */
export function initialMemberId(peerUrls: readonly string[], token: string): number {
  return hash53([...peerUrls].sort().join("") + token);
}

/** The ID of a member that is added to a running cluster: new each time, even at the same URLs. */
export function addedMemberId(peerUrls: readonly string[], now: number): number {
  return hash53(`${[...peerUrls].sort().join("")}@${now}`);
}

/** The cluster's ID: of its first members' IDs, and so of their URLs and the token. */
export function clusterIdOf(memberIds: readonly number[]): bigint {
  const sorted = [...memberIds].sort((a, b) => a - b);
  return publicId(hash53(`cluster ${sorted.join(" ")}`));
}

/**
 * A member's ID as clients see it: 64 bits, as long as etcd's and printed as they are. Consensus has the
 * upper 53 of them, which a number holds; the lower ones follow from those.
 */
export function publicId(id: number): bigint {
  if (id === 0) return 0n;
  const upper = BigInt(id);
  return (upper << 11n) | ((upper * 0x9e37_79b9n) & 0x7ffn);
}

/** The ID that consensus has for a public one. */
export function consensusId(id: bigint): number {
  return Number(id >> 11n);
}

/** For a {@link Member}'s context: fields are only ever added. */
export function encodeAttributes(attributes: MemberAttributes): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(attributes));
}

/** Attributes as the group has them; none where the context is empty or not ours. */
export function attributesOf(member: Pick<Member, "context">): MemberAttributes {
  let fields: Partial<Record<keyof MemberAttributes, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(member.context));
    if (typeof parsed === "object" && parsed !== null) fields = parsed;
  } catch {
    // An empty context: a member that was added and has not started.
  }
  return {
    name: typeof fields.name === "string" ? fields.name : "",
    peerUrls: strings(fields.peerUrls),
    clientUrls: strings(fields.clientUrls),
  };
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

export function memberInfo(member: Member): StoreMemberInfo {
  return { id: publicId(member.id), learner: member.learner, ...attributesOf(member) };
}

/** What the transport dials of a member: host and port of its first peer URL. */
export function peerAddress(peerUrls: readonly string[]): string {
  const first = peerUrls[0];
  return first === undefined ? "" : new URL(first).host;
}
