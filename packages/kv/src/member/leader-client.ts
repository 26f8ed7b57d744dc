import { KvError } from "../api/errors.js";
import { FORWARDED } from "../api/metadata.js";
import type { LeaseId } from "../api/types.js";
import type { CallFailure, ChannelTls } from "../client/grpc-channel.js";
import { GrpcChannel } from "../client/grpc-channel.js";
import { leaseKeepAliveOnce } from "../client/keep-alive.js";
import { encode, Reader, readTimeToLiveResponse, writeTimeToLiveRequest } from "../codec/index.js";
import type { LeaseTime } from "../lease/types.js";
import type { Backend } from "../server/backend.js";
import type { LeaderPort } from "../server/lease-service.js";
import { attributesOf } from "../server/member-record.js";

/** Between two attempts to find and ask the leader, in milliseconds. */
const RETRY_MS = 100;
const ATTEMPT_MS = 1000;
const METADATA = { [FORWARDED]: "1" };

/**
 * Asks the leader over its client URL for what it alone knows: the time of leases. While there is no
 * leader, or it has just changed, it asks again for as long as a write would wait.
 */
export class LeaderClient implements LeaderPort {
  readonly #backend: Backend;
  readonly #tls: ChannelTls;
  #channel: GrpcChannel | null = null;
  #closed = false;

  /** `tls` is for a leader whose client URL is https. */
  constructor(backend: Backend, tls: ChannelTls) {
    this.#backend = backend;
    this.#tls = tls;
  }

  async keepAlive(id: LeaseId, signal?: AbortSignal): Promise<number> {
    return await this.#ask(signal, (channel) =>
      leaseKeepAliveOnce(channel, id, { timeoutMs: ATTEMPT_MS, signal, metadata: METADATA }),
    );
  }

  async timeToLive(id: LeaseId, signal?: AbortSignal): Promise<LeaseTime> {
    const request = encode(writeTimeToLiveRequest, { id, keys: false });
    const bytes = await this.#ask(signal, (channel) =>
      channel.unary("/etcdserverpb.Lease/LeaseTimeToLive", request, {
        timeoutMs: ATTEMPT_MS,
        signal,
        metadata: METADATA,
      }),
    );
    return readTimeToLiveResponse(new Reader(bytes));
  }

  close(): void {
    this.#closed = true;
    this.#channel?.close();
  }

  async #ask<T>(
    signal: AbortSignal | undefined,
    call: (channel: GrpcChannel) => Promise<T>,
  ): Promise<T> {
    const deadline = performance.now() + this.#backend.limits.requestTimeoutMs;
    for (;;) {
      let last = new KvError("no-leader");
      const channel = this.#leaderChannel();
      if (channel !== null) {
        try {
          return await call(channel);
        } catch (failure) {
          const { error, endpointDown } = failure as CallFailure;
          if (!endpointDown && error.code !== "not-leader") throw error;
          last = error;
        }
      }
      if (performance.now() >= deadline || this.#closed) throw last;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      if (signal?.aborted === true) throw new KvError("cancelled", "the call was aborted");
    }
  }

  #leaderChannel(): GrpcChannel | null {
    const { log } = this.#backend;
    const { leader } = this.#backend.leadership;
    const member = log.members().find(({ id }) => id === leader);
    const url = member === undefined ? undefined : attributesOf(member).clientUrls[0];
    if (url === undefined) return null;
    const { host, protocol } = new URL(url);
    if (this.#channel?.address !== host) {
      this.#channel?.close();
      this.#channel = new GrpcChannel(host, protocol === "https:" ? this.#tls : null);
    }
    return this.#channel;
  }
}
