import {
  type ChannelCredentials,
  type ChannelOptions,
  credentials,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";

/** Where the streams are found; the version of the messages is agreed on in the handshake. */
export const METHODS = {
  control: "/flotilla.raft.Raft/Control",
  append: "/flotilla.raft.Raft/Append",
  snapshot: "/flotilla.raft.Raft/Snapshot",
} as const;

/** Messages are bytes to gRPC. */
export const asIs = (bytes: Buffer): Buffer => bytes;

function method(path: string): ServiceDefinition[string] {
  return {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

/** Control: votes, heartbeats, ReadIndex. Append: the log. Snapshot: one file a call. */
export const RAFT_SERVICE: ServiceDefinition<UntypedServiceImplementation> = {
  control: method(METHODS.control),
  append: method(METHODS.append),
  snapshot: method(METHODS.snapshot),
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

/** What gRPC dials: `http://host:port/` and `host:port` mean the same. */
export function dialAddress(address: string): string {
  return address.replace(/^https?:\/\//, "").replace(/\/+$/, "");
}
