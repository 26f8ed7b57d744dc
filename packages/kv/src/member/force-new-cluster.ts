import { Buffer } from "node:buffer";
import { randomInt } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Member } from "@flotilla/raft/node";
import { forceNewCluster, inspectFolder } from "@flotilla/raft/node";
import { GrpcChannel } from "../client/grpc-channel.js";
import * as pb from "../gen/etcdserverpb/rpc_pb.js";
import { attributesOf, clusterIdOf, memberInfo } from "../server/member-record.js";
import { memberCredentials } from "../tls/peer-credentials.js";
import { clusterText, type Identity, saveIdentity } from "./identity.js";
import type { MemberSettings } from "./options.js";
import { invalid } from "./options.js";

/** How long another member may take to show that the cluster still serves, in milliseconds. */
const ASK_MS = 2000;

/**
 * etcd's `--force-new-cluster`: makes the member of a directory the only one of a new cluster, with all
 * its data, after the others were lost for good. It is done once: a flag that is left in a unit file
 * does nothing at later starts, until the member has been started without it.
 *
 * What it is to become is written to the identity first, so that a crash in between is finished at the
 * next start, with or without the option.
 */
export async function forcedIdentity(
  directory: string,
  known: Identity,
  settings: MemberSettings,
): Promise<Identity> {
  if (known.forcing !== undefined) return await force(directory, known, known.forcing, settings);
  if (!settings.forceNewCluster) {
    if (known.forced !== true) return known;
    const { forced: _, ...rest } = known;
    await saveIdentity(directory, rest);
    return rest;
  }
  if (known.forced === true) {
    settings.onForced?.({ done: false, clusterId: known.clusterId, removed: [], uncommitted: 0 });
    return known;
  }
  const { membership } = await inspectFolder(directory);
  const others = membership.members.filter(({ id }) => id !== known.memberId);
  await refuseWhereServed(others, known.clusterId, settings);
  const clusterId = clusterIdOf([known.memberId, randomInt(2 ** 48 - 1)]);
  await saveIdentity(directory, { ...known, forcing: clusterId });
  return await force(directory, known, clusterId, settings);
}

async function force(
  directory: string,
  { forcing: _, ...known }: Identity,
  clusterId: bigint,
  settings: MemberSettings,
): Promise<Identity> {
  const identity = { ...known, clusterId, initialMembers: [], joined: true, forced: true };
  try {
    const { removed, uncommitted } = await forceNewCluster({
      directory,
      clusterId: clusterText(known.clusterId),
      id: known.memberId,
      newClusterId: clusterText(clusterId),
    });
    await saveIdentity(directory, identity);
    settings.onForced?.({ done: true, clusterId, removed: removed.map(memberInfo), uncommitted });
    return identity;
  } catch (error) {
    if (await isStillOf(directory, known.clusterId)) await saveIdentity(directory, known);
    throw error;
  }
}

/** True where nothing was changed: later starts are to be as they were. */
async function isStillOf(directory: string, clusterId: bigint): Promise<boolean> {
  try {
    return (await inspectFolder(directory)).clusterId === clusterText(clusterId);
  } catch {
    return false;
  }
}

/** A majority that answers is no loss: to leave it would make two clusters of one. */
async function refuseWhereServed(
  others: readonly Member[],
  clusterId: bigint,
  settings: MemberSettings,
): Promise<void> {
  const urls = others.flatMap((member) => attributesOf(member).clientUrls);
  const served = await Promise.all(urls.map((url) => serves(url, clusterId, settings)));
  const at = served.indexOf(true);
  if (at < 0) return;
  throw invalid(
    `forceNewCluster: the cluster has a majority and serves at ${urls[at]}: nothing is to be forced. ` +
      "Start this member without it; when it does not get on, remove it and add it anew",
  );
}

/** True where a member of the cluster answers as only one with a majority can. */
async function serves(
  url: string,
  clusterId: bigint,
  { clientTls }: MemberSettings,
): Promise<boolean> {
  const { host, protocol } = new URL(url);
  const tls = protocol === "https:" ? memberCredentials(clientTls) : null;
  const channel = new GrpcChannel(host, tls);
  const request = create(pb.MemberListRequestSchema, { linearizable: true });
  try {
    const bytes = await channel.unary(
      "/etcdserverpb.Cluster/MemberList",
      Buffer.from(toBinary(pb.MemberListRequestSchema, request)),
      { timeoutMs: ASK_MS },
    );
    return fromBinary(pb.MemberListResponseSchema, bytes).header?.clusterId === clusterId;
  } catch {
    return false;
  } finally {
    channel.close();
  }
}
