import type { KvError } from "../api/errors.js";

/**
 * The port between the services and an RPC library: methods by path, messages as bytes. A binding
 * (`grpc-binding.ts`) carries them; services and codecs know nothing of it.
 */
export interface RpcCall {
  /** Aborted when the caller cancels or goes away; made when first asked for. */
  readonly signal: AbortSignal;
  /** The common name of the caller's certificate, where that names a user. */
  readonly commonName: string | undefined;
  /** The first value of a header. */
  metadata(name: string): string | undefined;
}

export interface UnaryMethod {
  readonly kind: "unary";
  readonly path: string;
  /** Rejections are KvErrors. */
  handle(request: Uint8Array, call: RpcCall): Promise<Uint8Array>;
}

export interface ServerStreamMethod {
  readonly kind: "server-stream";
  readonly path: string;
  handle(request: Uint8Array, call: RpcCall): AsyncIterable<Uint8Array>;
}

/** The server's side of a bidirectional stream, given by the binding. */
export interface RpcStream extends RpcCall {
  /** Takes the message, always; false when the transport is full until `drained`. */
  write(message: Uint8Array): boolean;
  end(error?: KvError): void;
  /** Stop and start reading: the back-pressure on who sends faster than is answered. */
  pause(): void;
  resume(): void;
}

/** The method's side of it. None of these throw but for KvErrors from `message`, which end the stream. */
export interface RpcStreamHandler {
  message(bytes: Uint8Array): void;
  drained(): void;
  /** The client will send no more. */
  halfClosed(): void;
  /** The stream is gone, for whatever reason; called once. */
  closed(): void;
}

export interface BidiMethod {
  readonly kind: "bidi";
  readonly path: string;
  open(stream: RpcStream): RpcStreamHandler;
}

export type RpcMethod = UnaryMethod | ServerStreamMethod | BidiMethod;
