import type { Buffer } from "node:buffer";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
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
  #handlers: ClientPortHandlers | undefined;
  #http1: Server | undefined;

  /** Serves the connections that waited, and those to come. */
  open(handlers: ClientPortHandlers): void {
    this.#handlers = handlers;
    this.#http1 = createHttpServer(handlers.http1);
    for (const socket of this.#sockets) this.#serve(socket, handlers);
  }

  /**
   * Takes the address, so that it is known and nobody else's, before there is anything to serve:
   * connections wait for {@link open}. Resolves to the port; rejects with Node's error.
   */
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
    this.#http1?.closeIdleConnections();
  }

  /** Cuts every connection. */
  destroy(): void {
    this.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    const handlers = this.#handlers;
    if (handlers === undefined && this.#sockets.size >= WAITING_MAX) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    if (handlers !== undefined) this.#serve(socket, handlers);
  }

  #serve(socket: Socket, handlers: ClientPortHandlers): void {
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
      this.#route(socket, first, handlers);
      socket.off("error", ignore);
    });
    socket.resume();
  }

  #route(socket: Socket, first: Buffer, handlers: ClientPortHandlers): void {
    const known = Math.min(first.length, HTTP2_PREFACE.length);
    if (!first.subarray(0, known).equals(HTTP2_PREFACE.subarray(0, known))) {
      socket.unshift(first);
      this.#http1?.emit("connection", socket);
      socket.resume();
      return;
    }
    const filter = new AuthorityFilter();
    const passed = filter.push(first);
    if (filter.done && passed.length === first.length) {
      socket.unshift(passed);
      handlers.http2(socket);
    } else {
      handlers.http2(new FilteredSocket(socket, new AuthorityFilter(), first));
    }
  }
}
