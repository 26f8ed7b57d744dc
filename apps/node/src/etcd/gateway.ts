import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { UsageError } from "./flags.js";

/** Connections passed on at a time; more wait in the system's queue. */
const CONNECTIONS_MAX = 10_000;
/** How long an endpoint may take to accept a connection, in milliseconds. */
const DIAL_MS = 5_000;

export interface GatewayOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly endpoints: readonly Endpoint[];
  /** How long an endpoint that could not be reached is passed over. */
  readonly retryDelayMs: number;
}

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface RunningGateway {
  /** `host:port`, as bound. */
  readonly address: string;
  stop(): void;
}

/** Reads `start --endpoints=… --listen-addr=… --retry-delay=…`. Throws {@link UsageError}. */
export function parseGateway(argv: readonly string[]): GatewayOptions {
  const flags = new Map<string, string>();
  const verbs: string[] = [];
  const rest = [...argv];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const match = /^--?([a-z-]+)(?:=(.*))?$/.exec(argument);
    if (match === null) verbs.push(argument);
    else flags.set(match[1] as string, match[2] ?? rest.shift() ?? "");
  }
  if (verbs.join() !== "start") throw new UsageError("etcd gateway: the one verb is start");
  const known = ["endpoints", "listen-addr", "retry-delay"];
  for (const name of flags.keys()) {
    if (!known.includes(name)) throw new UsageError(`etcd gateway: unknown flag: --${name}`);
  }
  const delay = /^(\d+)(m?s)$/.exec(flags.get("retry-delay") ?? "60s");
  if (delay === null) throw new UsageError("etcd gateway: --retry-delay is of the form 60s");
  return {
    listen: endpointOf(flags.get("listen-addr") ?? "127.0.0.1:23790"),
    endpoints: (flags.get("endpoints") ?? "127.0.0.1:2379").split(",").map(endpointOf),
    retryDelayMs: Number(delay[1]) * (delay[2] === "s" ? 1000 : 1),
  };
}

function endpointOf(text: string): Endpoint {
  const match = /^(?:https?:\/\/)?(\[[^\]]+\]|[^:/]+):(\d+)\/?$/.exec(text.trim());
  if (match === null) throw new UsageError(`etcd gateway: "${text}" is not of the form host:port`);
  return { host: (match[1] as string).replace(/^\[|\]$/g, ""), port: Number(match[2]) };
}

/**
 * Passes TCP connections on to the endpoints in turn, whatever is spoken in them, so that clients need
 * one address only. One that cannot be reached is passed over for a while.
 */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const balancer = new Balancer(options);
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (client) => {
    sockets.add(client);
    client.once("close", () => sockets.delete(client));
    // Its end is noticed by the pipe; before that it is nobody's event.
    client.on("error", () => client.destroy());
    void balancer.dial().then((endpoint) => {
      if (endpoint === null || client.destroyed) {
        endpoint?.destroy();
        client.destroy();
        return;
      }
      join(client, endpoint);
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  const { host, port } = options.listen;
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`etcd gateway: cannot listen on ${host}:${port}: ${why}`);
  }
  const bound = server.address();
  const taken = bound !== null && typeof bound === "object" ? bound.port : port;
  return {
    address: `${host}:${taken}`,
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function join(client: Socket, endpoint: Socket): void {
  endpoint.on("error", () => client.destroy());
  client.once("close", () => endpoint.destroy());
  endpoint.once("close", () => client.destroy());
  client.pipe(endpoint);
  endpoint.pipe(client);
  client.resume();
}

/** Round robin over the endpoints that are not passed over. */
class Balancer {
  readonly #endpoints: readonly Endpoint[];
  readonly #retryDelayMs: number;
  readonly #downUntil = new Map<Endpoint, number>();
  #next = 0;

  constructor({ endpoints, retryDelayMs }: GatewayOptions) {
    this.#endpoints = endpoints;
    this.#retryDelayMs = retryDelayMs;
  }

  /** A connection to one of the endpoints; null when none can be reached. */
  async dial(): Promise<Socket | null> {
    const first = this.#next++;
    const inTurn = this.#endpoints.map((_, i) => {
      return this.#endpoints[(first + i) % this.#endpoints.length] as Endpoint;
    });
    const isUp = (endpoint: Endpoint): boolean =>
      (this.#downUntil.get(endpoint) ?? 0) <= performance.now();
    // Those that are passed over come last: better than none.
    for (const endpoint of [...inTurn.filter(isUp), ...inTurn.filter((one) => !isUp(one))]) {
      const socket = await reach(endpoint);
      if (socket !== null) {
        this.#downUntil.delete(endpoint);
        return socket;
      }
      this.#downUntil.set(endpoint, performance.now() + this.#retryDelayMs);
    }
    return null;
  }
}

async function reach({ host, port }: Endpoint): Promise<Socket | null> {
  const socket = connect({ host, port, noDelay: true });
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(DIAL_MS) });
    return socket;
  } catch {
    socket.on("error", () => {});
    socket.destroy();
    return null;
  }
}
