import { Buffer } from "node:buffer";
import type { RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  ServerDuplexStream,
  ServerWritableStream,
} from "@grpc/grpc-js";
import { type Metadata, Server, ServerCredentials, status } from "@grpc/grpc-js";
import type { StatusName } from "../api/errors.js";
import { KvError } from "../api/errors.js";
import { addressOf, type HostPort } from "../member/options.js";
import type { ClientIdentity } from "../tls/client-identity.js";
import type { Limits } from "./backend.js";
import { toKvError } from "./backend.js";
import { ClientPort } from "./client-port/client-port.js";
import type { BidiMethod, RpcCall, RpcMethod, RpcStream, ServerStreamMethod } from "./rpc.js";

/** etcd's allowance for what comes on top of the largest request. */
const OVERHEAD_BYTES = 512 * 1024;
/** How long calls under way may take to end when the server stops, in milliseconds. */
const SHUTDOWN_MS = 500;

const CODES: Readonly<Record<StatusName, status>> = {
  InvalidArgument: status.INVALID_ARGUMENT,
  NotFound: status.NOT_FOUND,
  OutOfRange: status.OUT_OF_RANGE,
  ResourceExhausted: status.RESOURCE_EXHAUSTED,
  FailedPrecondition: status.FAILED_PRECONDITION,
  Unavailable: status.UNAVAILABLE,
  Unauthenticated: status.UNAUTHENTICATED,
  PermissionDenied: status.PERMISSION_DENIED,
  Unimplemented: status.UNIMPLEMENTED,
  Cancelled: status.CANCELLED,
  DeadlineExceeded: status.DEADLINE_EXCEEDED,
  DataLoss: status.DATA_LOSS,
  Unknown: status.UNKNOWN,
  Internal: status.INTERNAL,
};

interface GrpcStatus {
  readonly code: status;
  readonly details: string;
}

function toStatus(error: unknown): GrpcStatus {
  const { status: name, message } = toKvError(error);
  return { code: CODES[name], details: message };
}

/** What grpc-js gives of every kind of call that matters here. */
interface GrpcCall {
  readonly metadata: Metadata;
  /**
   * grpc-js tells of a call's connection only where that is a TLSSocket. This one's is a stream of our own,
   * which Node wraps: it is found where grpc-js and Node keep it, and a test watches over that.
   */
  readonly call?: {
    readonly stream?: { readonly session?: { readonly socket?: { readonly stream?: unknown } } };
  };
  readonly cancelled: boolean;
  on(event: "cancelled", listener: () => void): unknown;
}

/** Makes the abort signal only for who asks for it: most calls are done sooner. */
class GrpcRpcCall implements RpcCall {
  readonly #call: GrpcCall;
  readonly #port: ClientPort;
  #controller: AbortController | undefined;

  constructor(call: GrpcCall, port: ClientPort) {
    this.#call = call;
    this.#port = port;
  }

  get commonName(): string | undefined {
    const connection = this.#call.call?.stream?.session?.socket?.stream;
    if (typeof connection !== "object" || connection === null) return undefined;
    return this.#port.commonNameOf(connection);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      if (this.#call.cancelled) controller.abort();
      else this.#call.on("cancelled", () => controller.abort());
    }
    return this.#controller.signal;
  }

  metadata(name: string): string | undefined {
    const value = this.#call.metadata.get(name)[0];
    return value === undefined ? undefined : String(value);
  }
}

class GrpcRpcStream extends GrpcRpcCall implements RpcStream {
  readonly #stream: ServerDuplexStream<Buffer, Buffer>;

  constructor(stream: ServerDuplexStream<Buffer, Buffer>, port: ClientPort) {
    super(stream, port);
    this.#stream = stream;
  }

  write(message: Uint8Array): boolean {
    return this.#stream.write(asBuffer(message));
  }

  end(error?: KvError): void {
    if (error === undefined) this.#stream.end();
    else this.#stream.emit("error", toStatus(error));
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function openStream(
  method: BidiMethod,
  call: ServerDuplexStream<Buffer, Buffer>,
  port: ClientPort,
): void {
  const stream = new GrpcRpcStream(call, port);
  // A client that goes away mid-stream is no event of the server's.
  const fail = (error: unknown): void => {
    call.emit("error", toStatus(error));
  };
  try {
    const handler = method.open(stream);
    let open = true;
    const close = (): void => {
      if (!open) return;
      open = false;
      handler.closed();
    };
    call.on("data", (bytes: Buffer) => {
      if (!open) return;
      try {
        handler.message(bytes);
      } catch (error) {
        close();
        fail(error);
      }
    });
    call.on("drain", () => handler.drained());
    call.on("end", () => handler.halfClosed());
    call.on("cancelled", close);
    call.on("error", close);
    call.on("close", close);
    call.on("finish", close);
  } catch (error) {
    fail(error);
  }
}

async function writeAll(
  method: ServerStreamMethod,
  call: ServerWritableStream<Buffer, Buffer>,
  port: ClientPort,
): Promise<void> {
  const rpc = new GrpcRpcCall(call, port);
  try {
    for await (const message of method.handle(call.request, rpc)) {
      if (call.cancelled) return;
      if (!call.write(asBuffer(message))) {
        await new Promise<void>((resolve) => {
          call.once("drain", resolve);
          call.once("cancelled", resolve);
        });
      }
    }
    call.end();
  } catch (error) {
    call.emit("error", toStatus(error));
  }
}

const identity = (bytes: Buffer): Buffer => bytes;

function register(server: Server, method: RpcMethod, port: ClientPort): void {
  if (method.kind === "unary") {
    const handle: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
      new Promise<Uint8Array>((resolve) => {
        resolve(method.handle(call.request, new GrpcRpcCall(call, port)));
      }).then(
        (bytes) => callback(null, asBuffer(bytes)),
        (error: unknown) => callback(toStatus(error)),
      );
    };
    server.register(method.path, handle, identity, identity, "unary");
  } else if (method.kind === "server-stream") {
    const handle: handleServerStreamingCall<Buffer, Buffer> = (call) => {
      writeAll(method, call, port);
    };
    server.register(method.path, handle, identity, identity, "serverStream");
  } else {
    const handle: handleBidiStreamingCall<Buffer, Buffer> = (call) =>
      openStream(method, call, port);
    server.register(method.path, handle, identity, identity, "bidi");
  }
}

/** A gRPC server that carries {@link RpcMethod}s over @grpc/grpc-js. */
export class GrpcBinding {
  readonly #server: Server;
  readonly #connections: ReturnType<Server["createConnectionInjector"]>;
  readonly #port = new ClientPort();

  constructor({ maxRequestBytes, maxConcurrentStreams }: Limits) {
    this.#server = new Server({
      ...(maxConcurrentStreams === null
        ? {}
        : { "grpc.max_concurrent_streams": maxConcurrentStreams }),
      "grpc.max_receive_message_length": maxRequestBytes + OVERHEAD_BYTES,
      "grpc.max_send_message_length": -1,
    });
    this.#connections = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
  }

  /**
   * Takes `host:port` and resolves to the port; connections wait for {@link serve}. Rejects with
   * KvError `unavailable` naming the address.
   */
  async listen({ host, port }: HostPort, identity: ClientIdentity | null = null): Promise<number> {
    try {
      return await this.#port.listen(host, port, identity);
    } catch (error) {
      throw cannotListen(addressOf({ host, port }), error as Error);
    }
  }

  serve(methods: readonly RpcMethod[], http1: RequestListener): void {
    for (const method of methods) register(this.#server, method, this.#port);
    const http2 = (connection: Duplex): void => this.#connections.injectConnection(connection);
    this.#port.open({ http2, http1 });
  }

  /** Lets what is under way end for a moment, then cuts it. */
  async stop(): Promise<void> {
    this.#port.close();
    this.#connections.destroy();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, SHUTDOWN_MS);
      this.#server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#port.destroy();
  }
}

function cannotListen(address: string, cause: Error): KvError {
  const inUse = cause.message.includes("EADDRINUSE");
  const why = inUse ? "the address is in use" : cause.message;
  return new KvError("unavailable", `cannot listen for clients on ${address}: ${why}`, { cause });
}
