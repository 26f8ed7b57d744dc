import type { RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { isIP, type Socket } from "node:net";
import { DiscoveryError } from "../errors.js";
import type { KeyValue } from "../key-value.js";
import { DEFAULT_DOMAIN, domainPrefix, labels } from "../keys.js";
import { sleep } from "../store/backoff.js";
import { RecordCache } from "../store/record-cache.js";
import { type Listeners, listen } from "./listen.js";
import { type ResponderState, respond } from "./respond.js";
import { serveConnection } from "./tcp-connection.js";
import { Zone } from "./zone.js";

const NEGATIVE_TTL_SECONDS = 5;
const CONNECTIONS_MAX = 128;
const IDLE_MS = 10_000;
/** How long a start waits for the first list; after it the server answers SERVFAIL until it has one. */
const FIRST_LIST_MS = 2_000;

export interface DnsServerOptions {
  /** "127.0.0.1" by default. */
  readonly host?: string;
  /** 0 (the default) is a free one, the same for UDP and TCP. */
  readonly port?: number;
  /** "flotilla.local" by default; other names are refused. */
  readonly domain?: string;
  /** How long resolvers may keep "there is none", in seconds; 5 by default. */
  readonly negativeTtlSeconds?: number;
  /** Open TCP connections; 128 by default, more are closed at once. */
  readonly connectionsMax?: number;
  /** A TCP connection that is silent for so long is closed; 10,000 by default. */
  readonly idleMs?: number;
}

/** A DNS server that runs. `close` (or `await using`) frees the port and ends the watch. */
export interface DnsServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
  /** The store answers; while it does not, the last known records are served. */
  readonly current: boolean;
  close(): Promise<void>;
}

/**
 * Serves the registered services as DNS over UDP and TCP: A, AAAA, SRV and TXT of
 * `web.flotilla.local` or of one instance, with SkyDNS's layout and wildcards. Answers come from
 * memory, kept current by a watch; a query never asks the store.
 *
 * @throws DiscoveryError "address-in-use", "listen-failed", "invalid-argument"
 * @example
 * ```ts
 * await using dns = await startDnsServer(store, { host: "127.0.0.1", port: 5353 });
 * // dig @127.0.0.1 -p 5353 web.flotilla.local SRV
 * ```
 */
export async function startDnsServer(
  store: KeyValue,
  options: DnsServerOptions = {},
): Promise<DnsServer> {
  const { host = "127.0.0.1", port = 0 } = options;
  const domain = labels(options.domain ?? DEFAULT_DOMAIN, "domain").join(".");
  if (isIP(host) === 0) {
    throw new DiscoveryError("invalid-argument", `"${host}" is not an IP address to listen on.`);
  }
  const listeners = await listen(host, port);
  const server = new CachedDnsServer(store, { ...options, host, domain }, listeners);
  await server.firstList();
  return server;
}

class CachedDnsServer implements DnsServer {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
  readonly #negativeTtl: number;
  readonly #listeners: Listeners;
  readonly #cache: RecordCache;
  readonly #prefix: string;
  readonly #connections = new Set<Socket>();
  readonly #started = new AbortController();
  #zone: Zone | undefined;
  #rotation = 0;
  #closing: Promise<void> | undefined;

  constructor(
    store: KeyValue,
    options: DnsServerOptions & { readonly host: string; readonly domain: string },
    listeners: Listeners,
  ) {
    this.host = options.host;
    this.port = listeners.port;
    this.domain = options.domain;
    this.#negativeTtl = options.negativeTtlSeconds ?? NEGATIVE_TTL_SECONDS;
    this.#listeners = listeners;
    this.#prefix = domainPrefix(options.domain);
    this.#cache = new RecordCache(store, this.#prefix, () => this.#changed());
    this.#serveUdp();
    this.#serveTcp(options.connectionsMax ?? CONNECTIONS_MAX, options.idleMs ?? IDLE_MS);
  }

  get current(): boolean {
    return this.#cache.current;
  }

  async firstList(): Promise<void> {
    await sleep(FIRST_LIST_MS, this.#started.signal);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { udp, tcp } = this.#listeners;
    const closed = [once(udp, "close"), once(tcp, "close")];
    udp.close();
    tcp.close();
    for (const socket of this.#connections) socket.destroy();
    await Promise.all([...closed, this.#cache[Symbol.asyncDispose]()]);
  }

  #changed(): void {
    // The tree is built by the next query, once for however many changes.
    this.#zone = undefined;
    if (this.#cache.listed) this.#started.abort();
  }

  #serveUdp(): void {
    const { udp } = this.#listeners;
    udp.on("message", (message: Buffer, from: RemoteInfo) => {
      const answer = this.#respond(message, "udp");
      // A client that is gone, or a full send buffer: DNS over UDP may lose what it likes.
      if (answer !== undefined) udp.send(answer, from.port, from.address, () => {});
    });
    // An error of a socket that is bound concerns one datagram.
    udp.on("error", () => {});
  }

  #serveTcp(connectionsMax: number, idleMs: number): void {
    const { tcp } = this.#listeners;
    tcp.maxConnections = connectionsMax;
    tcp.on("connection", (socket) => {
      this.#connections.add(socket);
      socket.on("close", () => this.#connections.delete(socket));
      serveConnection(socket, idleMs, (message) => this.#respond(message, "tcp"));
    });
    // Accepting failed (no file descriptors left): the next may succeed.
    tcp.on("error", () => {});
  }

  #respond(message: Buffer, transport: "udp" | "tcp"): Buffer | undefined {
    this.#rotation = (this.#rotation + 1) % 2 ** 31;
    return respond(message, transport, this.#state(), this.#rotation);
  }

  #state(): ResponderState {
    if (this.#zone === undefined && this.#cache.listed) {
      this.#zone = new Zone(this.#prefix, this.#cache.records);
    }
    return {
      zone: this.#zone,
      domain: this.domain,
      stale: !this.#cache.current,
      revision: this.#cache.revision,
      negativeTtl: this.#negativeTtl,
      address: this.host,
    };
  }
}
