import type { Buffer } from "node:buffer";
import type { ChannelCredentials, ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import type { KvErrorCode } from "../api/errors.js";
import { KV_ERRORS, KvError } from "../api/errors.js";

/** A call that failed, and whether it certainly had no effect. */
export interface CallFailure {
  readonly error: KvError;
  /** The server never saw the call, or refused it before it did anything. */
  readonly unexecuted: boolean;
  /** The endpoint itself is at fault: it did not answer, or cannot serve now. */
  readonly endpointDown: boolean;
  /** Asking again, anyone, is in vain. */
  readonly permanent: boolean;
}

/** How to make one call. */
export interface CallSettings {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Silence on a connection that is in use before it is pinged, in milliseconds: etcd hangs up on who
 * pings more often than every 5 s.
 */
const KEEPALIVE_MS = 6000;
const KEEPALIVE_TIMEOUT_MS = 2000;

const identity = (bytes: Buffer): Buffer => bytes;

const CODE_OF_MESSAGE: ReadonlyMap<string, KvErrorCode> = new Map(
  Object.entries(KV_ERRORS).map(([code, [, message]]) => [message, code as KvErrorCode]),
);

/** Errors that a server gives before it has done anything with the request. */
const UNEXECUTED: ReadonlySet<KvErrorCode> = new Set([
  "no-leader",
  "not-capable",
  "too-many-requests",
]);
/** Errors after which another member may do better. */
const ENDPOINT_DOWN: ReadonlySet<KvErrorCode> = new Set([
  "no-leader",
  "stopped",
  "unavailable",
  "timeout",
  "learner-not-supported",
  "not-capable",
]);

/** PEM: what the server's certificate must be signed by, and what is shown to a server that asks. */
export interface ChannelTls {
  /** The authorities that the system trusts, by default. */
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** Take any certificate: encryption without knowing who is there. */
  readonly insecureSkipVerify?: boolean;
}

function channelCredentials(tls: ChannelTls | null): ChannelCredentials {
  if (tls === null) return credentials.createInsecure();
  const verify = tls.insecureSkipVerify === true ? { rejectUnauthorized: false } : {};
  return credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null, verify);
}

/** One server's connection: raw bytes over grpc-js. */
export class GrpcChannel {
  readonly address: string;
  readonly #client: Client;

  /** In plain text without `tls`. */
  constructor(address: string, tls: ChannelTls | null = null) {
    this.address = address;
    this.#client = new Client(address, channelCredentials(tls), {
      "grpc.keepalive_time_ms": KEEPALIVE_MS,
      "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
      "grpc.initial_reconnect_backoff_ms": 200,
      "grpc.max_reconnect_backoff_ms": 2000,
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
      // Retries are this client's own: it knows which calls may be repeated.
      "grpc.enable_retries": 0,
      // Clients of two stores in one process share nothing.
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  /** Rejects with a {@link CallFailure}. */
  unary(path: string, request: Buffer, settings: CallSettings): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const { signal } = settings;
      if (signal?.aborted === true) {
        reject(aborted(signal));
        return;
      }
      const deadline = Date.now() + settings.timeoutMs;
      const call = this.#client.makeUnaryRequest(
        path,
        identity,
        identity,
        request,
        toMetadata(settings.metadata),
        { deadline },
        (error: ServiceError | null, response?: Buffer) => {
          signal?.removeEventListener("abort", cancel);
          if (error === null && response !== undefined) resolve(response);
          else if (signal?.aborted === true) reject(aborted(signal));
          else reject(toFailure(error, this.address));
        },
      );
      const cancel = (): void => call.cancel();
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  bidi(
    path: string,
    metadata?: Readonly<Record<string, string>>,
  ): ClientDuplexStream<Buffer, Buffer> {
    return this.#client.makeBidiStreamRequest(path, identity, identity, toMetadata(metadata), {});
  }

  close(): void {
    this.#client.close();
  }
}

function toMetadata(fields: Readonly<Record<string, string>> | undefined): Metadata {
  const metadata = new Metadata();
  if (fields !== undefined) {
    for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
  }
  return metadata;
}

function aborted(signal: AbortSignal): CallFailure {
  const error = new KvError("cancelled", "the call was aborted", { cause: signal.reason });
  return { error, unexecuted: false, endpointDown: false, permanent: true };
}

const PERMANENT: ReadonlySet<status | undefined> = new Set([
  status.INVALID_ARGUMENT,
  status.OUT_OF_RANGE,
  status.NOT_FOUND,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.UNIMPLEMENTED,
]);

/** What grpc-js says of calls that never left: no connection, or still waiting for one. */
const NEVER_SENT =
  /no connection established|name resolution|waiting for (lb pick|connection|name)/i;

/** What a failed call of grpc-js tells. */
export function toFailure(failure: unknown, address: string): CallFailure {
  const { code, details = "" } = (failure ?? {}) as Partial<ServiceError>;
  const known = CODE_OF_MESSAGE.get(details);
  if (known !== undefined) {
    return {
      error: new KvError(known),
      unexecuted: UNEXECUTED.has(known),
      endpointDown: ENDPOINT_DOWN.has(known),
      permanent: PERMANENT.has(code),
    };
  }
  if (code === status.RESOURCE_EXHAUSTED && /larger than max/i.test(details)) {
    // Far beyond the limit a server's gRPC library refuses the request before the server sees it.
    const error = new KvError("request-too-large", undefined, { cause: failure });
    return { error, unexecuted: true, endpointDown: false, permanent: true };
  }
  const neverSent = NEVER_SENT.test(details);
  const cause = { cause: failure };
  if (code === status.DEADLINE_EXCEEDED) {
    const error = new KvError("timeout", `${address} did not answer in time`, cause);
    return { error, unexecuted: neverSent, endpointDown: true, permanent: false };
  }
  if (code === status.UNAVAILABLE) {
    const error = new KvError("unavailable", `${address}: ${details}`, cause);
    return { error, unexecuted: neverSent, endpointDown: true, permanent: false };
  }
  const kind: KvErrorCode = code === status.CANCELLED ? "cancelled" : "internal";
  const error = new KvError(kind, details === "" ? String(failure) : details, cause);
  return { error, unexecuted: false, endpointDown: false, permanent: PERMANENT.has(code) };
}
