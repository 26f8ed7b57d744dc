import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { KvError } from "../api/errors.js";
import { clusterIdOf, initialMemberId } from "../server/member-record.js";
import type { MemberSettings } from "./options.js";

/** Who a member is: decided once, at its first start, and kept in its directory. */
export interface Identity {
  readonly memberId: number;
  readonly clusterId: bigint;
  readonly name: string;
  readonly token: string;
  /** The first members' IDs; empty for one that joined a running cluster. */
  readonly initialMembers: readonly number[];
  /** Added to a cluster that ran already. */
  readonly joined: boolean;
  /** The new cluster that this member is just being made the only one of. */
  readonly forcing?: bigint;
  /** It was made a new cluster's, and has not been started without that option since. */
  readonly forced?: boolean;
}

/** A cluster's ID as the consensus group writes it. */
export function clusterText(id: bigint): string {
  return id.toString(16);
}

const FILE = "member.json";
const VERSION = 1;

/** The identity that the options stand for: every first member computes the same cluster. */
export function newIdentity(settings: MemberSettings): Identity {
  const { name, token, initialCluster } = settings;
  if (initialCluster === null) {
    // Alone, and perhaps at a port that others had before: nobody else may have the same IDs.
    const memberId = initialMemberId([], `${token} ${randomUUID()}`);
    const clusterId = clusterIdOf([memberId]);
    return { memberId, clusterId, name, token, initialMembers: [memberId], joined: false };
  }
  const ids = Object.values(initialCluster).map((urls) => initialMemberId(urls, token));
  if (new Set(ids).size !== ids.length) {
    throw new KvError("invalid-options", "two members of the initial cluster have the same URLs");
  }
  const memberId = initialMemberId(initialCluster[name] as readonly string[], token);
  const clusterId = clusterIdOf(ids);
  return { memberId, clusterId, name, token, initialMembers: ids, joined: false };
}

/** The identity in a member's directory, or null when there is none yet. Throws `corrupt`. */
export async function loadIdentity(directory: string): Promise<Identity | null> {
  const file = join(directory, FILE);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new KvError("unavailable", `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
  const identity = parse(text);
  if (identity === null) {
    throw new KvError(
      "corrupt",
      `${file} is damaged: restore it from a backup, or remove the member from its cluster, ` +
        "empty the directory and add it anew",
    );
  }
  return identity;
}

function parse(text: string): Identity | null {
  try {
    const fields = JSON.parse(text) as Record<string, unknown>;
    const { version, memberId, clusterId, name, token, initialMembers, joined } = fields;
    const { forcing, forced } = fields;
    const valid =
      version === VERSION &&
      Number.isSafeInteger(memberId) &&
      typeof clusterId === "string" &&
      typeof name === "string" &&
      typeof token === "string" &&
      typeof joined === "boolean" &&
      Array.isArray(initialMembers) &&
      initialMembers.every(Number.isSafeInteger);
    if (!valid) return null;
    return {
      memberId: memberId as number,
      clusterId: BigInt(clusterId),
      name,
      token,
      initialMembers,
      joined,
      ...(typeof forcing === "string" ? { forcing: BigInt(forcing) } : {}),
      ...(forced === true ? { forced } : {}),
    };
  } catch {
    return null;
  }
}

/** Refuses a directory that belongs to another cluster or member than the options ask for. */
export function checkIdentity(
  identity: Identity,
  settings: MemberSettings,
  directory: string,
): void {
  const file = join(directory, FILE);
  const mend = `point it to a directory of its own, or empty ${directory} if its data may go`;
  if (settings.tokenGiven && identity.token !== settings.token) {
    throw wrong(
      `${file} is of the cluster with token "${identity.token}", ` +
        `not of "${settings.token}": ${mend}`,
    );
  }
  if (identity.name !== settings.name) {
    throw wrong(`${file} is of the member "${identity.name}", not of "${settings.name}": ${mend}`);
  }
  if (settings.initialCluster === null || settings.join || identity.initialMembers.length === 0) {
    return;
  }
  const asked = Object.values(settings.initialCluster).map((urls) =>
    initialMemberId(urls, settings.token),
  );
  if (!asked.some((id) => identity.initialMembers.includes(id))) {
    throw wrong(
      `${file} is of a cluster that has no member in common with the initial cluster ` +
        `given: ${mend}`,
    );
  }
}

function wrong(message: string): KvError {
  return new KvError("wrong-cluster", message);
}

/** Writes the identity so that it is there whole or not at all. */
export async function saveIdentity(directory: string, identity: Identity): Promise<void> {
  const file = join(directory, FILE);
  const exact = (_: string, value: unknown) => (typeof value === "bigint" ? `${value}` : value);
  const text = JSON.stringify({ version: VERSION, ...identity }, exact, 2);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const handle = await open(`${file}.tmp`, "w", 0o600);
    try {
      await handle.writeFile(`${text}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.tmp`, file);
    const folder = await open(directory, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    throw new KvError("unavailable", `cannot write ${file}: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
