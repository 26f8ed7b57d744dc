import { RaftError } from "@flotilla/raft";
import type { Member } from "@flotilla/raft/node";
import { GrpcTransport, RaftGroup } from "@flotilla/raft/node";
import { KvError } from "../api/errors.js";
import type { Command, CommandResult } from "../api/types.js";
import { commandCodec } from "../codec/command.js";
import { leaseClock } from "../lease/lease-clock.js";
import { Lessor } from "../lease/lessor.js";
import { Backend, toKvError } from "../server/backend.js";
import { httpRoutes } from "../server/client-port/http-routes.js";
import { Gateway } from "../server/gateway/gateway.js";
import { GrpcBinding } from "../server/grpc-binding.js";
import type { MemberAttributes } from "../server/member-record.js";
import {
  encodeAttributes,
  initialMemberId,
  peerAddress,
  publicId,
} from "../server/member-record.js";
import { RpcCounts } from "../server/rpc-counts.js";
import { createServices, rpcMethods } from "../server/services.js";
import { MvccStore } from "../store/mvcc-store.js";
import { ClientIdentity } from "../tls/client-identity.js";
import { memberCredentials, peerCredentials } from "../tls/peer-credentials.js";
import { WatchHub } from "../watch/watch-hub.js";
import { AutoCompaction } from "./auto-compaction.js";
import { forcedIdentity } from "./force-new-cluster.js";
import { checkIdentity, clusterText, loadIdentity, newIdentity, saveIdentity } from "./identity.js";
import type { Start } from "./join.js";
import { joinCluster } from "./join.js";
import { LeaderClient } from "./leader-client.js";
import { LocalKeyValue } from "./local-key-value.js";
import type { MemberSettings } from "./options.js";
import { resolveOptions, urlOf } from "./options.js";
import { RunningMember } from "./store-member.js";
import type { MemberOptions, StoreMember } from "./types.js";

/** What a command's kind and numbers may add to the request that it came in. */
const COMMAND_OVERHEAD_BYTES = 64 * 1024;

/**
 * Starts a member of a store: alone, one of the first of a cluster, or one more of a running one.
 * Resolves when it serves, without waiting for a leader: `ready()` does.
 *
 * @throws KvError `invalid-options`; `wrong-cluster` and `corrupt` naming the file and the mend;
 * `unavailable` naming the address in use or the folder that cannot be written
 *
 * @example
 * ```ts
 * const member = await startMember({
 *   name: "a",
 *   storage: { directory: "/var/lib/store" },
 *   listenClientUrls: ["http://127.0.0.1:2379"],
 * });
 * await member.ready();
 * await member.local.put("greeting", "ahoy");
 * ```
 */
export async function startMember(options: MemberOptions = {}): Promise<StoreMember> {
  const settings = resolveOptions(options);
  const binding = new GrpcBinding(settings.limits);
  try {
    const { clientTls, listenClient } = settings;
    const hosts = listenClient.map(({ host }) => host);
    const identity = clientTls === null ? null : new ClientIdentity(clientTls, hosts);
    const clientUrls: string[] = [];
    for (const listener of listenClient) {
      const port = await binding.listen(listener, listener.secure ? identity : null);
      clientUrls.push(urlOf({ ...listener, port }));
    }
    return await startGroup(settings, binding, clientUrls);
  } catch (error) {
    await binding.stop();
    throw startError(error);
  }
}

/**
 * A store for a test or a single process: {@link startMember} with its defaults, which are memory,
 * loopback and free ports, and already able to serve reads and writes when this resolves.
 *
 * @example
 * ```ts
 * await using store = await startStore();
 * await store.local.put("greeting", "ahoy");
 * console.log(`etcdctl --endpoints ${store.clientUrls[0]} get greeting`);
 * ```
 */
export async function startStore(options: MemberOptions = {}): Promise<StoreMember> {
  const member = await startMember(options);
  await member.ready();
  return member;
}

async function startGroup(
  settings: MemberSettings,
  binding: GrpcBinding,
  boundClientUrls: readonly string[],
): Promise<StoreMember> {
  const start = await decideStart(settings);
  const { memberId, clusterId } = start.identity;
  const transport = new GrpcTransport({
    clusterId: clusterText(clusterId),
    id: memberId,
    listen: settings.listenPeer,
    ...(settings.peerTls === null ? {} : { tls: peerCredentials(settings.peerTls, settings) }),
    ...(settings.onPeerRefused === null ? {} : { onRefused: settings.onPeerRefused }),
  });
  try {
    await transport.bind();
    const attributes: MemberAttributes = {
      name: settings.name,
      peerUrls:
        settings.advertisePeerUrls ??
        transport.addresses.map((bound) => urlOf({ ...bound, secure: settings.peerTls !== null })),
      clientUrls: settings.advertiseClientUrls ?? boundClientUrls,
    };
    return await openMember(settings, start, attributes, transport, binding);
  } catch (error) {
    await transport[Symbol.asyncDispose]();
    throw error;
  }
}

async function openMember(
  settings: MemberSettings,
  start: Start,
  attributes: MemberAttributes,
  transport: GrpcTransport,
  binding: GrpcBinding,
): Promise<StoreMember> {
  const { limits, electionMs } = settings;
  const { memberId, clusterId } = start.identity;
  const store = new MvccStore();
  const hub = new WatchHub(store);
  // etcd's rule: 2 s with its default timings.
  const minTtlSeconds = Math.ceil((1.5 * electionMs) / 1000);
  const lessor = new Lessor({ store, now: leaseClock(() => performance.now()), minTtlSeconds });
  const group = await RaftGroup.open<Command, CommandResult>({
    id: memberId,
    clusterId: clusterText(clusterId),
    members: start.members ?? [firstMember(memberId, attributes)],
    join: start.join,
    storage: settings.storage,
    transport,
    stateMachine: store,
    codec: commandCodec,
    tickMs: settings.tickMs,
    electionTicks: settings.electionTicks,
    maxCommandBytes: limits.maxRequestBytes + COMMAND_OVERHEAD_BYTES,
    requestTimeoutMs: limits.requestTimeoutMs,
    ...(settings.snapshotCount === null ? {} : { snapshotEntries: settings.snapshotCount }),
  });
  const id = publicId(memberId);
  const { tokens, version } = settings;
  const shared = { store, hub, lessor, log: group, limits, electionMs, tokens, version };
  const backend = new Backend({ clusterId, memberId: id, ...shared });
  const leaderClient = new LeaderClient(backend, memberCredentials(settings.clientTls));
  const services = createServices(backend, leaderClient, tokens);
  const counts = new RpcCounts();
  const methods = rpcMethods(
    backend,
    services,
    (caller) => new LocalKeyValue(backend, services.kv, services.lease, caller),
    counts,
  );
  binding.serve(methods, httpRoutes(backend, new Gateway(methods, limits), counts));
  const { keepRevisions } = settings;
  const compaction = keepRevisions === null ? null : new AutoCompaction(backend, keepRevisions);
  const shell = { binding, leaderClient, attributes, compaction };
  const parts = { group, backend, services, ...shell };
  return new RunningMember(parts);
}

/** Who this member is: what its directory says, else what the options make of it. */
async function decideStart(settings: MemberSettings): Promise<Start> {
  const directory = settings.storage === "memory" ? null : settings.storage.directory;
  const known = directory === null ? null : await loadIdentity(directory);
  if (known !== null && directory !== null) {
    checkIdentity(known, settings, directory);
    const identity = await forcedIdentity(directory, known, settings);
    return { identity, members: firstMembers(settings), join: identity.joined };
  }
  const start = settings.join
    ? await joinCluster(settings)
    : { identity: newIdentity(settings), members: firstMembers(settings), join: false };
  if (directory !== null) await saveIdentity(directory, start.identity);
  return start;
}

/** The members of a given initial cluster; null for one that is alone. */
function firstMembers({ initialCluster, token }: MemberSettings): readonly Member[] | null {
  if (initialCluster === null) return null;
  return Object.values(initialCluster).map((peerUrls) =>
    firstMember(initialMemberId(peerUrls, token), { name: "", peerUrls, clientUrls: [] }),
  );
}

function firstMember(id: number, attributes: MemberAttributes): Member {
  const { peerUrls } = attributes;
  const context = encodeAttributes({ ...attributes, name: "", clientUrls: [] });
  return { id, address: peerAddress(peerUrls), context, learner: false };
}

/** The ways in which starting can fail, as KvErrors. */
function startError(error: unknown): KvError {
  if (!RaftError.is(error)) return toKvError(error);
  const cause = { cause: error };
  switch (error.code) {
    case "corrupt":
      return new KvError("corrupt", error.message, cause);
    case "wrong-cluster":
      return new KvError("wrong-cluster", error.message, cause);
    default:
      return new KvError("unavailable", error.message, cause);
  }
}
