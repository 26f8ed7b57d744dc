import type { IncomingMessage, ServerResponse } from "node:http";
import type { JsonValue } from "@bufbuild/protobuf";
import { fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import type { StatusName } from "../../api/errors.js";
import { KvError } from "../../api/errors.js";
import type { Limits } from "../backend.js";
import { toKvError } from "../backend.js";
import type { RpcCall, RpcMethod, RpcStream } from "../rpc.js";
import { JsonDocuments, parseJson } from "./json-documents.js";
import { type GatewayRoute, gatewayRoutes } from "./routes.js";
import { Slots } from "./slots.js";

const PREFIX = /^\/v3(?:beta|alpha)?(?=\/)/;
/** grpc-gateway's: number on the wire of gRPC, and HTTP's status. */
const STATUS: Readonly<Record<StatusName, readonly [grpc: number, http: number]>> = {
  Cancelled: [1, 408],
  Unknown: [2, 500],
  InvalidArgument: [3, 400],
  DeadlineExceeded: [4, 504],
  NotFound: [5, 404],
  PermissionDenied: [7, 403],
  ResourceExhausted: [8, 429],
  FailedPrecondition: [9, 412],
  OutOfRange: [11, 400],
  Unimplemented: [12, 501],
  Internal: [13, 500],
  Unavailable: [14, 503],
  DataLoss: [15, 500],
  Unauthenticated: [16, 401],
};
/** Base64 and names make JSON longer than the message it stands for. */
const JSON_FACTOR = 2;

/**
 * etcd's JSON gateway: `POST /v3/…` with a JSON object (bytes in base64, 64-bit numbers as strings)
 * answers with one; streams answer with one `{"result":…}` a line. Certificates name no user here.
 */
export class Gateway {
  readonly #methods: ReadonlyMap<string, RpcMethod>;
  readonly #routes = gatewayRoutes();
  readonly #maxLength: number;
  readonly #slots: Slots | null;

  constructor(methods: readonly RpcMethod[], limits: Limits) {
    this.#methods = new Map(methods.map((method) => [method.path, method]));
    this.#maxLength = JSON_FACTOR * limits.maxRequestBytes;
    const { maxConcurrentStreams } = limits;
    this.#slots = maxConcurrentStreams === null ? null : new Slots(maxConcurrentStreams);
  }

  /** True when the path is the gateway's, which then answers. */
  handle(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    const prefix = PREFIX.exec(path)?.[0];
    if (prefix === undefined) return false;
    const route = this.#routes.get(path.slice(prefix.length));
    const method = route === undefined ? undefined : this.#methods.get(route.rpc);
    if (route === undefined || method === undefined || request.method !== "POST") {
      const found = route !== undefined;
      answerError(response, new KvError("internal", found ? "Method Not Allowed" : "Not Found"), [
        found ? 12 : 5,
        found ? 405 : 404,
      ]);
      return true;
    }
    void this.#serve(request, response, route, method);
    return true;
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
    route: GatewayRoute,
    method: RpcMethod,
  ): Promise<void> {
    const call = new HttpCall(request, response);
    let release: (() => void) | undefined;
    try {
      release = await this.#slots?.take(call.signal);
      if (method.kind === "bidi") await this.#stream(call, route, method);
      else await this.#single(call, route, method);
    } catch (error) {
      call.fail(toKvError(error));
    } finally {
      release?.();
    }
  }

  async #single(
    call: HttpCall,
    route: GatewayRoute,
    method: Exclude<RpcMethod, { kind: "bidi" }>,
  ): Promise<void> {
    const body = await readBody(call.request, this.#maxLength);
    const message = encodeRequest(route, body.trim() === "" ? "{}" : body);
    if (method.kind === "unary") {
      call.answer(decodeResponse(route, await method.handle(message, call)));
      return;
    }
    for await (const bytes of method.handle(message, call)) {
      if (call.signal.aborted) return;
      await call.line(decodeResponse(route, bytes));
    }
    call.response.end();
  }

  async #stream(
    call: HttpCall,
    route: GatewayRoute,
    method: Extract<RpcMethod, { kind: "bidi" }>,
  ): Promise<void> {
    const stream = new HttpStream(call, route);
    const handler = method.open(stream);
    call.response.on("drain", () => handler.drained());
    const documents = new JsonDocuments(this.#maxLength);
    try {
      call.request.setEncoding("utf8");
      for await (const chunk of call.request as AsyncIterable<string>) {
        for (const document of documents.push(chunk)) {
          handler.message(encodeRequest(route, document));
        }
      }
      if (documents.isCut) throw malformedJson("unexpected end of JSON input");
      handler.halfClosed();
      await stream.ended;
    } finally {
      handler.closed();
    }
  }
}

/** One HTTP request as a call of a method. */
class HttpCall implements RpcCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
  /** The gateway's callers are known by their token only. */
  readonly commonName: undefined;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
    const controller = new AbortController();
    this.signal = controller.signal;
    response.once("close", () => controller.abort());
    // Whoever goes away in the middle has ended the call: that is no error of the server.
    request.on("error", () => controller.abort());
    response.on("error", () => controller.abort());
  }

  metadata(name: string): string | undefined {
    const value = this.request.headers[name] ?? this.request.headers[`grpc-metadata-${name}`];
    return Array.isArray(value) ? value[0] : value;
  }

  answer(body: JsonValue): void {
    this.response.writeHead(200, { "content-type": "application/json" });
    this.response.end(JSON.stringify(body));
  }

  /** One message of a stream; resolves when there is room for the next. */
  async line(result: JsonValue): Promise<void> {
    if (this.write({ result })) return;
    await new Promise<void>((resolve) => {
      this.response.once("drain", resolve);
      this.response.once("close", resolve);
    });
  }

  write(document: JsonValue): boolean {
    if (!this.response.headersSent) {
      this.response.writeHead(200, { "content-type": "application/json" });
    }
    return this.response.write(`${JSON.stringify(document)}\n`);
  }

  fail(error: KvError): void {
    if (!this.response.headersSent) {
      answerError(this.response, error, STATUS[error.status]);
      return;
    }
    const [grpc, http] = STATUS[error.status];
    const { message } = error;
    this.write({ error: { grpc_code: grpc, http_code: http, message, http_status: error.status } });
    this.response.end();
  }
}

/** A bidirectional stream over one HTTP request. */
class HttpStream implements RpcStream {
  readonly signal: AbortSignal;
  readonly commonName: undefined;
  /** Resolves when either side has ended; rejects with what the server has ended it with. */
  readonly ended: Promise<void>;
  readonly #call: HttpCall;
  readonly #route: GatewayRoute;
  #end: (error?: KvError) => void = () => {};

  constructor(call: HttpCall, route: GatewayRoute) {
    this.#call = call;
    this.#route = route;
    this.signal = call.signal;
    this.ended = new Promise((resolve, reject) => {
      this.#end = (error) => (error === undefined ? resolve() : reject(error));
      call.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    // The body may still be read when the server ends the stream.
    this.ended.catch(() => {});
  }

  metadata(name: string): string | undefined {
    return this.#call.metadata(name);
  }

  write(message: Uint8Array): boolean {
    return this.#call.write({ result: decodeResponse(this.#route, message) });
  }

  end(error?: KvError): void {
    if (error === undefined) this.#call.response.end();
    else this.#call.fail(error);
    this.#end(error);
  }

  pause(): void {
    this.#call.request.pause();
  }

  resume(): void {
    this.#call.request.resume();
  }
}

function encodeRequest({ method }: GatewayRoute, json: string): Uint8Array {
  try {
    return toBinary(method.input, fromJson(method.input, parseJson(json)));
  } catch (error) {
    throw malformedJson(error instanceof Error ? error.message : String(error));
  }
}

function decodeResponse({ method }: GatewayRoute, bytes: Uint8Array): JsonValue {
  return toJson(method.output, fromBinary(method.output, bytes), { useProtoFieldName: true });
}

function malformedJson(why: string): KvError {
  return new KvError("bad-json", why);
}

async function readBody(request: IncomingMessage, maxLength: number): Promise<string> {
  request.setEncoding("utf8");
  let body = "";
  for await (const chunk of request as AsyncIterable<string>) {
    body += chunk;
    if (body.length > maxLength) throw new KvError("request-too-large");
  }
  return body;
}

function answerError(
  response: ServerResponse,
  { message }: KvError,
  [code, http]: readonly [grpc: number, http: number],
): void {
  response.writeHead(http, { "content-type": "application/json" });
  response.end(JSON.stringify({ error: message, message, code }));
}
