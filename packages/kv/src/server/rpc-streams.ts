import { KvError } from "../api/errors.js";
import { FORWARDED } from "../api/metadata.js";
import type { LeaseId } from "../api/types.js";
import {
  encode,
  Reader,
  readLeaseId,
  readWatchRequest,
  writeLeaseTtlResponse,
} from "../codec/index.js";
import type { Backend } from "./backend.js";
import { toKvError } from "./backend.js";
import type { LeaseService } from "./lease-service.js";
import type { RpcMethod, RpcStream, RpcStreamHandler } from "./rpc.js";
import { WatchStream } from "./watch-stream.js";

/** Keep-alives of one stream that wait for their answer at most; then it is not read. */
const KEEP_ALIVES_MAX = 1000;

export function watchMethod(backend: Backend): RpcMethod {
  return {
    kind: "bidi",
    path: "/etcdserverpb.Watch/Watch",
    open: (stream) => {
      const watches = new WatchStream(
        backend,
        {
          write: (message) => stream.write(message),
          fail: (error) => stream.end(error),
        },
        stream,
      );
      return {
        message: (bytes) => watches.receive(readWatchRequest(new Reader(bytes))),
        drained: () => watches.drained(),
        halfClosed: () => {
          // The watchers go on: etcd ends them only with the stream.
        },
        closed: () => watches.close(),
      };
    },
  };
}

export function keepAliveMethod(backend: Backend, lease: LeaseService): RpcMethod {
  return {
    kind: "bidi",
    path: "/etcdserverpb.Lease/LeaseKeepAlive",
    open: (stream) => new KeepAliveStream(backend, lease, stream),
  };
}

/** Answers keep-alives as they are done, so that many leases of one client share read barriers. */
class KeepAliveStream implements RpcStreamHandler {
  readonly #backend: Backend;
  readonly #lease: LeaseService;
  readonly #stream: RpcStream;
  readonly #forwarded: boolean;
  #waiting = 0;
  #paused = false;
  #ending = false;
  #closed = false;

  constructor(backend: Backend, lease: LeaseService, stream: RpcStream) {
    this.#backend = backend;
    this.#lease = lease;
    this.#stream = stream;
    this.#forwarded = stream.metadata(FORWARDED) !== undefined;
  }

  message(bytes: Uint8Array): void {
    const id = readLeaseId(new Reader(bytes));
    this.#waiting += 1;
    this.#throttle();
    this.#renew(id).then(
      (ttl) => this.#answer(id, ttl),
      (error: unknown) => this.#end(toKvError(error)),
    );
  }

  drained(): void {
    // Answers are small and as many as the requests: reading them is what is held back.
  }

  halfClosed(): void {
    this.#ending = true;
    if (this.#waiting === 0) this.#end();
  }

  closed(): void {
    this.#closed = true;
  }

  /** A lease that is gone has TTL 0 here, as in etcd. */
  async #renew(id: LeaseId): Promise<number> {
    try {
      return await this.#lease.keepAlive(id, { forwarded: this.#forwarded });
    } catch (error) {
      if (KvError.is(error) && error.code === "lease-not-found") return 0;
      throw error;
    }
  }

  #answer(id: LeaseId, ttl: number): void {
    this.#waiting -= 1;
    if (this.#closed) return;
    this.#stream.write(encode(writeLeaseTtlResponse, { header: this.#backend.header(), id, ttl }));
    this.#throttle();
    if (this.#ending && this.#waiting === 0) this.#end();
  }

  #throttle(): void {
    const full = this.#waiting >= KEEP_ALIVES_MAX;
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.#stream.pause();
    else this.#stream.resume();
  }

  #end(error?: KvError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream.end(error);
  }
}
