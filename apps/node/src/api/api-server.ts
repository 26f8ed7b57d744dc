import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIP } from "node:net";
import { hostname } from "node:os";
import type { Logger } from "pino";
import { type Address, formatAddress, listen } from "../address.js";
import { messageOf, NodeError } from "../errors.js";
import { sendError } from "./http-errors.js";
import type { Router } from "./router.js";

export interface ApiServerOptions {
  readonly router: Router;
  readonly address: Address;
  /** Path of the unix socket, for this machine's own user. */
  readonly socket: string;
  readonly log: Logger;
}

/** Linux's limit on the path of a unix socket (unix(7)), with its closing zero. */
const SOCKET_PATH_LIMIT = 108;
/** Connections at once on each listener; more are closed at once. */
const CONNECTION_LIMIT = 1_024;

/** The API's two doors: a TCP address and a unix socket. */
export class ApiServer implements AsyncDisposable {
  readonly #servers: readonly [Server, Server];
  readonly #options: ApiServerOptions;
  #address: Address;

  private constructor(options: ApiServerOptions) {
    const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      try {
        await options.router.handle(request, response);
      } catch (error) {
        options.log.debug({ url: request.url, reason: messageOf(error) }, "request refused");
        sendError(response, error);
      }
    };
    const tcp = createServer((request, response) => {
      if (isOwnRequest(request)) void handle(request, response);
      else sendError(response, foreignRequest(request));
    });
    this.#servers = [tcp, createServer((request, response) => void handle(request, response))];
    for (const server of this.#servers) server.maxConnections = CONNECTION_LIMIT;
    this.#options = options;
    this.#address = options.address;
  }

  static async start(options: ApiServerOptions): Promise<ApiServer> {
    if (Buffer.byteLength(options.socket) >= SOCKET_PATH_LIMIT) {
      throw new NodeError("bad-option", `${options.socket}: too long for a unix socket`, {
        hint: `give a --data-dir that keeps it under ${SOCKET_PATH_LIMIT} bytes`,
      });
    }
    const server = new ApiServer(options);
    await server.#listen();
    return server;
  }

  /** As bound. */
  get address(): Address {
    return this.#address;
  }

  /** As bound: `http://host:port`. */
  get url(): string {
    return `http://${formatAddress(this.#address)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      ),
    );
    rmSync(this.#options.socket, { force: true });
  }

  async #listen(): Promise<void> {
    const [tcp, local] = this.#servers;
    this.#address = await listen(tcp, this.#options.address, "listen-api");
    // The data directory is locked by this process, so a socket found there has no listener.
    rmSync(this.#options.socket, { force: true });
    await new Promise<void>((resolve, reject) => {
      local.once("error", reject);
      local.listen(this.#options.socket, resolve);
    });
    chmodSync(this.#options.socket, 0o600);
  }
}

/**
 * Keeps web pages out: one whose name was pointed at this address (DNS rebinding) sends that name as
 * Host, and every page sends its Origin with what could change something.
 */
function isOwnRequest({ headers }: IncomingMessage): boolean {
  const host = (headers.host ?? "").replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  const named = host === "localhost" || host === hostname() || isIP(host) !== 0;
  return named && headers.origin === undefined;
}

function foreignRequest({ headers }: IncomingMessage): NodeError {
  const from =
    headers.origin === undefined ? `host "${headers.host}"` : `a page of ${headers.origin}`;
  return new NodeError("forbidden-host", `requests for ${from} are not taken`, {
    hint: "address the node by IP address, as localhost or by its own host name",
  });
}
