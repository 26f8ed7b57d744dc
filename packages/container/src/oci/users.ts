import type { ProcessSpec, SpawnFailure } from "../runtime.js";
import { readInRoot } from "./root.js";

/** A container process's identity, by the container's own passwd(5) and group(5). */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
}

/** Looks the specification's names up in the root; a failure has systemd's code. */
export async function resolveIdentity(
  root: string,
  spec: ProcessSpec,
): Promise<Identity | SpawnFailure> {
  const { user = "0", group, supplementaryGroups = [] } = spec;
  const users = parseDatabase(await readInRoot(root, "/etc/passwd"));
  const groups = parseDatabase(await readInRoot(root, "/etc/group"));
  const isNumber = /^\d+$/.test(user);
  const entry = users.find((fields) => fields[isNumber ? 2 : 0] === user);
  if (entry === undefined && !isNumber) {
    return { step: "USER", exitCode: 217, message: `user ${user} is not known in the container` };
  }
  const name = entry?.[0];
  const uid = Number(entry?.[2] ?? user);
  const groupId = (wanted: string): number => {
    if (/^\d+$/.test(wanted)) return Number(wanted);
    return Number(groups.find((fields) => fields[0] === wanted)?.[2] ?? Number.NaN);
  };
  const gid = group === undefined ? Number(entry?.[3] ?? uid) : groupId(group);
  const extra = supplementaryGroups.map(groupId);
  if ([gid, ...extra].some(Number.isNaN)) {
    const message = `a group of ${[group, ...supplementaryGroups].join(", ")} is not known in the container`;
    return { step: "GROUP", exitCode: 216, message };
  }
  const memberships = groups
    .filter((fields) => name !== undefined && fields[3]?.split(",").includes(name))
    .map((fields) => Number(fields[2]));
  // As initgroups(3), which lists the primary group as well.
  return { uid, gid, additionalGids: [...new Set([gid, ...memberships, ...extra])] };
}

function parseDatabase(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.includes(":"))
    .map((line) => line.split(":"));
}
