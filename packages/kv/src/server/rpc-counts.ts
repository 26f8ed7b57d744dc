import type { KvError, StatusName } from "../api/errors.js";
import { toKvError } from "./backend.js";
import type { RpcMethod, RpcStream } from "./rpc.js";

const KINDS = { unary: "unary", "server-stream": "server_stream", bidi: "bidi_stream" } as const;

/** How often the calls of one method ended with which status. */
export interface RpcCount {
  readonly service: string;
  readonly method: string;
  readonly kind: string;
  readonly code: StatusName | "OK";
  readonly count: number;
}

/** Counts calls as they end, for etcd's `grpc_server_handled_total`. */
export class RpcCounts {
  readonly #methods: {
    readonly path: string;
    readonly kind: RpcMethod["kind"];
    readonly codes: Map<StatusName | "OK", number>;
  }[] = [];

  /** The method, counted. */
  counted(method: RpcMethod): RpcMethod {
    const codes = new Map<StatusName | "OK", number>();
    this.#methods.push({ path: method.path, kind: method.kind, codes });
    const count = (code: StatusName | "OK"): void => {
      codes.set(code, (codes.get(code) ?? 0) + 1);
    };
    if (method.kind === "unary") {
      return {
        ...method,
        handle: async (request, call) => {
          try {
            const response = await method.handle(request, call);
            count("OK");
            return response;
          } catch (error) {
            count(toKvError(error).status);
            throw error;
          }
        },
      };
    }
    if (method.kind === "server-stream") {
      return {
        ...method,
        handle: async function* (request, call) {
          let code: StatusName | "OK" = "Cancelled";
          try {
            yield* method.handle(request, call);
            code = "OK";
          } catch (error) {
            code = toKvError(error).status;
            throw error;
          } finally {
            count(code);
          }
        },
      };
    }
    return {
      ...method,
      open: (stream) => {
        const ending = new CountedStream(stream);
        const handler = method.open(ending);
        return {
          message: (bytes) => handler.message(bytes),
          drained: () => handler.drained(),
          halfClosed: () => handler.halfClosed(),
          closed: () => {
            count(ending.code);
            handler.closed();
          },
        };
      },
    };
  }

  /** Of every method and status that came up. */
  *[Symbol.iterator](): Generator<RpcCount> {
    for (const { path, kind, codes } of this.#methods) {
      const [, service = "", method = ""] = path.split("/");
      for (const [code, count] of codes) {
        yield { service, method, kind: KINDS[kind], code, count };
      }
    }
  }
}

/** A stream that remembers how it was ended; one that the client leaves is cancelled. */
class CountedStream implements RpcStream {
  code: StatusName | "OK" = "Cancelled";
  readonly #stream: RpcStream;

  constructor(stream: RpcStream) {
    this.#stream = stream;
  }

  get signal(): AbortSignal {
    return this.#stream.signal;
  }

  get commonName(): string | undefined {
    return this.#stream.commonName;
  }

  metadata(name: string): string | undefined {
    return this.#stream.metadata(name);
  }

  write(message: Uint8Array): boolean {
    return this.#stream.write(message);
  }

  end(error?: KvError): void {
    this.code = error === undefined ? "OK" : error.status;
    this.#stream.end(error);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }
}
