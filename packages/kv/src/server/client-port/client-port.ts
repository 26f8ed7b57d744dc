import type { Buffer } from "node:buffer";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  createServer as createTlsServer,
  type TLSSocket,
  type Server as TlsServer,
} from "node:tls";
import type { ClientIdentity } from "../../tls/client-identity.js";
import { AuthorityFilter, HTTP2_PREFACE } from "./authority-filter.js";
import { FilteredSocket } from "./filtered-socket.js";

/** A connection that says nothing for so long is closed, milliseconds. */
const SILENCE_MS = 30_000;

/** Connections that wait for {@link ClientPort.open}; more are closed at once. */
const WAITING_MAX = 1_024;

export interface ClientPortHandlers {
  /** Takes over an HTTP/2 connection. */
  readonly http2: (connection: Duplex) => void;
  /** Answers HTTP/1 requests. */
  readonly http1: RequestListener;
}

/**
 * One port for gRPC and plain HTTP, as etcd's: a connection's first bytes tell which it speaks.
 * Clients that send their first request together with HTTP/2's preface keep the bare socket; the
 * others (Go's, which wait for the server's settings) go through {@link FilteredSocket}.
 */
export class ClientPort {
  readonly #servers: NetServer[] = [];
  readonly #sockets = new Set<Socket>();
  /** Connections that came before {@link open}, each with what serves it. */
  readonly #waiting = new Map<Socket, (socket: Socket) => void>();
  /** Common names of clients' certificates, by the connection given to gRPC. */
  readonly #commonNames = new WeakMap<object, string>();
  #handlers: ClientPortHandlers | undefined;
  #http1: Server | undefined;

  /** Serves the connections that waited, and those to come. */
  open(handlers: ClientPortHandlers): void {
    this.#handlers = handlers;
    this.#http1 = createHttpServer(handlers.http1);
    for (const [socket, serve] of this.#waiting) serve(socket);
    this.#waiting.clear();
  }

  /**
   * Takes the address, so that it is known and nobody else's, before there is anything to serve:
   * connections wait for {@link open}. Resolves to the port; rejects with Node's error.
   */
  listen(host: string, port: number, identity: ClientIdentity | null = null): Promise<number> {
    const serve = identity === null ? this.#servePlain : this.#serveTls(identity);
    const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
      this.#accept(socket, serve);
    });
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, () => {
        const address = server.address();
        resolve(address !== null && typeof address === "object" ? address.port : port);
      });
    });
  }

  /** The common name of the certificate shown on a connection, where it names a user. */
  commonNameOf(connection: object): string | undefined {
    return this.#commonNames.get(connection);
  }

  /** Accepts nothing more. */
  close(): void {
    for (const server of this.#servers) server.close();
    this.#http1?.closeIdleConnections();
  }

  /** Cuts every connection. */
  destroy(): void {
    this.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket, serve: (socket: Socket) => void): void {
    const isWaiting = this.#handlers === undefined;
    if (isWaiting && this.#waiting.size >= WAITING_MAX) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#waiting.delete(socket);
    });
    if (isWaiting) this.#waiting.set(socket, serve);
    else serve(socket);
  }

  readonly #servePlain = (socket: Socket): void => {
    this.#listenTo(socket, (first) => this.#route(socket, first, null));
  };

  /** Connections go through a TLS server that never listens by itself. */
  #serveTls(identity: ClientIdentity): (socket: Socket) => void {
    const server: TlsServer = createTlsServer({
      ...identity.options,
      // gRPC's clients speak nothing but h2; who could do both (curl, a browser) wants the plain routes.
      ALPNProtocols: ["http/1.1", "h2"],
      handshakeTimeout: SILENCE_MS,
    });
    server.on("secureConnection", (socket) => {
      if (identity.refuses(socket)) {
        socket.destroy();
        return;
      }
      const name = identity.namesUsers ? commonNameOf(socket) : undefined;
      this.#listenTo(socket, (first) => this.#route(socket, first, name ?? null));
    });
    // A handshake that fails is the client's affair: it is told by an alert.
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    return (socket) => {
      const renewed = identity.renewed();
      if (renewed !== null) server.setSecureContext(renewed);
      server.emit("connection", socket);
    };
  }

  #listenTo(socket: Socket, route: (first: Buffer) => void): void {
    const silence = setTimeout(() => socket.destroy(), SILENCE_MS);
    const gone = (): void => clearTimeout(silence);
    socket.once("close", gone);
    // Until somebody takes the connection over, its end is nobody's event.
    const ignore = (): void => {};
    socket.on("error", ignore);
    socket.once("data", (first: Buffer) => {
      clearTimeout(silence);
      socket.off("close", gone);
      socket.pause();
      route(first);
      socket.off("error", ignore);
    });
    socket.resume();
  }

  #route(socket: Socket, first: Buffer, commonName: string | null): void {
    const known = Math.min(first.length, HTTP2_PREFACE.length);
    if (!first.subarray(0, known).equals(HTTP2_PREFACE.subarray(0, known))) {
      socket.unshift(first);
      this.#http1?.emit("connection", socket);
      socket.resume();
      return;
    }
    const filter = new AuthorityFilter();
    const passed = filter.push(first);
    // A connection that names a user is never bare: its calls are told by the object given to gRPC.
    if (commonName === null && filter.done && passed.length === first.length) {
      socket.unshift(passed);
      this.#handlers?.http2(socket);
    } else {
      const connection = new FilteredSocket(socket, new AuthorityFilter(), first);
      if (commonName !== null) this.#commonNames.set(connection, commonName);
      this.#handlers?.http2(connection);
    }
  }
}

function commonNameOf(socket: TLSSocket): string | undefined {
  const { subject } = socket.getPeerCertificate();
  // A subject with several is a list, and names nobody.
  return typeof subject?.CN === "string" && subject.CN !== "" ? subject.CN : undefined;
}
