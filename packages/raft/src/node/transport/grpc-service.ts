import {
  type ChannelCredentials,
  type ChannelOptions,
  credentials,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type NodeId, RaftError } from "../../index.js";
import { type Hello, WIRE_FEATURES, WIRE_VERSIONS } from "./wire.js";

/** Where the streams are found; the version of the messages is agreed on in the handshake. */
export const METHODS = {
  control: "/flotilla.raft.Raft/Control",
  append: "/flotilla.raft.Raft/Append",
  snapshot: "/flotilla.raft.Raft/Snapshot",
} as const;

/** Messages are bytes to gRPC. */
export const asIs = (bytes: Buffer): Buffer => bytes;

function method(path: string, responseStream: boolean): ServiceDefinition[string] {
  return {
    path,
    requestStream: true,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

/** Control: votes, heartbeats, ReadIndex. Append: the log. Snapshot: one file a call. */
export const RAFT_SERVICE: ServiceDefinition<UntypedServiceImplementation> = {
  control: method(METHODS.control, true),
  append: method(METHODS.append, true),
  snapshot: method(METHODS.snapshot, false),
};

/** PEM texts; with them all connections use mutual TLS. */
export interface TlsOptions {
  readonly ca: Uint8Array | string;
  readonly cert: Uint8Array | string;
  readonly key: Uint8Array | string;
}

export function channelCredentials(tls: TlsOptions | undefined): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  return credentials.createSsl(Buffer.from(tls.ca), Buffer.from(tls.key), Buffer.from(tls.cert));
}

export function serverCredentials(tls: TlsOptions | undefined): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  const pair = { cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) };
  return ServerCredentials.createSsl(Buffer.from(tls.ca), [pair], true);
}

/**
 * Every client has a connection of its own, so that appends and snapshots hold up no heartbeat;
 * reconnects quickly, so that a restarted peer is found at once; and pings, so that a peer whose
 * process stands still, or whose machine is gone, is noticed.
 */
export function channelOptions(keepaliveMs: number, maxMessageBytes: number): ChannelOptions {
  return {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.initial_reconnect_backoff_ms": 50,
    "grpc.min_reconnect_backoff_ms": 50,
    "grpc.max_reconnect_backoff_ms": 300,
    "grpc.keepalive_time_ms": keepaliveMs,
    "grpc.keepalive_timeout_ms": keepaliveMs,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    "grpc.enable_retries": 0,
    "grpc.service_config_disable_resolution": 1,
  };
}

/** This side of a handshake. */
export function hello(clusterId: string, from: NodeId, to: NodeId): Hello {
  const { min: minVersion, max: maxVersion } = WIRE_VERSIONS;
  return { minVersion, maxVersion, features: WIRE_FEATURES, clusterId, from, to };
}

/** @throws RaftError `wrong-cluster` or `invalid-config` saying what does not match */
export function checkHello(theirs: Hello, ours: { clusterId: string; id: NodeId }): void {
  if (theirs.clusterId !== ours.clusterId) {
    throw new RaftError(
      "wrong-cluster",
      `member ${theirs.from} is of cluster "${theirs.clusterId}", ` +
        `member ${ours.id} of cluster "${ours.clusterId}"`,
    );
  }
  if (theirs.to !== ours.id) {
    const message = `member ${theirs.from} looked for member ${theirs.to} and found member ${ours.id}`;
    throw new RaftError("wrong-cluster", message);
  }
  if (theirs.minVersion > WIRE_VERSIONS.max || theirs.maxVersion < WIRE_VERSIONS.min) {
    throw new RaftError(
      "invalid-config",
      `member ${theirs.from} speaks versions ${theirs.minVersion} to ${theirs.maxVersion}, ` +
        `this one ${WIRE_VERSIONS.min} to ${WIRE_VERSIONS.max}`,
    );
  }
}

/** What gRPC dials: `http://host:port/` and `host:port` mean the same. */
export function dialAddress(address: string): string {
  return address.replace(/^https?:\/\//, "").replace(/\/+$/, "");
}
