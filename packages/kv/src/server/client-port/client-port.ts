import type { Buffer } from "node:buffer";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { AuthorityFilter, HTTP2_PREFACE } from "./authority-filter.js";
import { FilteredSocket } from "./filtered-socket.js";

/** A connection that says nothing for so long is closed, milliseconds. */
const SILENCE_MS = 30_000;

export interface ClientPortOptions {
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
  readonly #options: ClientPortOptions;
  readonly #http1: Server;
  readonly #servers: NetServer[] = [];
  readonly #sockets = new Set<Socket>();

  constructor(options: ClientPortOptions) {
    this.#options = options;
    this.#http1 = createHttpServer(options.http1);
  }

  /** Resolves to the port; rejects with Node's error. */
  listen(host: string, port: number): Promise<number> {
    const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
      this.#accept(socket);
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

  /** Accepts nothing more. */
  close(): void {
    for (const server of this.#servers) server.close();
    this.#http1.closeIdleConnections();
  }

  /** Cuts every connection. */
  destroy(): void {
    this.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
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
      this.#route(socket, first);
      socket.off("error", ignore);
    });
    socket.resume();
  }

  #route(socket: Socket, first: Buffer): void {
    const known = Math.min(first.length, HTTP2_PREFACE.length);
    if (!first.subarray(0, known).equals(HTTP2_PREFACE.subarray(0, known))) {
      socket.unshift(first);
      this.#http1.emit("connection", socket);
      socket.resume();
      return;
    }
    const filter = new AuthorityFilter();
    const passed = filter.push(first);
    if (filter.done && passed.length === first.length) {
      socket.unshift(passed);
      this.#options.http2(socket);
    } else {
      this.#options.http2(new FilteredSocket(socket, new AuthorityFilter(), first));
    }
  }
}
