import { KvError } from "../api/errors.js";
import { API_VERSION } from "../api/version.js";
import { JwtTokens } from "../auth/jwt.js";
import { SimpleTokens } from "../auth/simple-tokens.js";
import type { TokenProvider } from "../auth/token-provider.js";
import type { Limits } from "../server/backend.js";
import { DEFAULT_LIMITS } from "../server/backend.js";
import type { ClientTls, PeerTls } from "../tls/types.js";
import type { AuthTokens, ForcedStore, MemberOptions } from "./types.js";

/** etcd's `--initial-cluster-token`. */
const DEFAULT_TOKEN = "etcd-cluster";
const FREE_LOOPBACK = "http://127.0.0.1:0";

/** A place to listen, of a URL. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** A place to listen, and whether in TLS. */
export interface Listener extends HostPort {
  readonly secure: boolean;
}

/** A member's options with every default filled in. */
export interface MemberSettings {
  readonly name: string;
  readonly storage: { readonly directory: string } | "memory";
  readonly listenClient: readonly Listener[];
  readonly listenPeer: readonly Listener[];
  readonly clientTls: ClientTls | null;
  readonly peerTls: PeerTls | null;
  readonly tokens: TokenProvider;
  readonly version: string;
  readonly advertiseClientUrls: readonly string[] | null;
  readonly advertisePeerUrls: readonly string[] | null;
  readonly initialCluster: Readonly<Record<string, readonly string[]>> | null;
  readonly token: string;
  readonly tokenGiven: boolean;
  readonly join: boolean;
  readonly joinEndpoints: readonly string[];
  readonly forceNewCluster: boolean;
  readonly onForced: ((forced: ForcedStore) => void) | null;
  readonly onPeerRefused: ((error: Error) => void) | null;
  readonly tickMs: number;
  readonly electionMs: number;
  readonly electionTicks: number;
  readonly snapshotCount: number | null;
  readonly keepRevisions: number | null;
  readonly limits: Limits;
}

/** Fills in the defaults; throws KvError `invalid-options` for what cannot be. */
export function resolveOptions(options: MemberOptions): MemberSettings {
  const tickMs = options.heartbeatMs ?? 100;
  const electionMs = options.electionMs ?? 10 * tickMs;
  if (!(tickMs > 0) || electionMs < 5 * tickMs) {
    throw invalid(`electionMs (${electionMs}) must be at least five times heartbeatMs (${tickMs})`);
  }
  const name = options.name ?? "default";
  const initialCluster = options.initialCluster ?? null;
  if (initialCluster !== null && initialCluster[name] === undefined) {
    const names = Object.keys(initialCluster).join(", ");
    throw invalid(`this member's name "${name}" is not in the initial cluster (${names})`);
  }
  return {
    name,
    storage: options.storage ?? "memory",
    ...resolveListeners(options),
    tokens: resolveTokens(options.authTokens),
    version: options.apiVersion ?? API_VERSION,
    advertiseClientUrls: options.advertiseClientUrls ?? null,
    advertisePeerUrls: options.advertisePeerUrls ?? initialCluster?.[name] ?? null,
    initialCluster,
    token: options.clusterToken ?? DEFAULT_TOKEN,
    tokenGiven: options.clusterToken !== undefined,
    join: options.initialClusterState === "existing",
    joinEndpoints: options.joinEndpoints ?? [],
    forceNewCluster: options.forceNewCluster ?? false,
    onForced: options.onForced ?? null,
    onPeerRefused: options.onPeerRefused ?? null,
    tickMs,
    electionMs,
    electionTicks: Math.round(electionMs / tickMs),
    snapshotCount: options.snapshotCount ?? null,
    keepRevisions: options.keepRevisions ?? null,
    limits: {
      maxTxnOps: options.maxTxnOps ?? DEFAULT_LIMITS.maxTxnOps,
      maxRequestBytes: options.maxRequestBytes ?? DEFAULT_LIMITS.maxRequestBytes,
      quotaBytes: options.quotaBytes ?? DEFAULT_LIMITS.quotaBytes,
      requestTimeoutMs: 5000 + 2 * electionMs,
      maxConcurrentStreams: options.maxConcurrentStreams ?? null,
    },
  };
}

function resolveTokens(tokens: AuthTokens = {}): TokenProvider {
  if (tokens.jwt !== undefined) return new JwtTokens(tokens.jwt);
  return new SimpleTokens(tokens.ttlSeconds === undefined ? undefined : tokens.ttlSeconds * 1000);
}

function resolveListeners(
  options: MemberOptions,
): Pick<MemberSettings, "listenClient" | "listenPeer" | "clientTls" | "peerTls"> {
  const clientTls = options.clientTls ?? null;
  const peerTls = options.peerTls ?? null;
  const free = peerTls === null ? FREE_LOOPBACK : FREE_LOOPBACK.replace("http:", "https:");
  const listenClient = (options.listenClientUrls ?? [FREE_LOOPBACK]).map(parseListener);
  const listenPeer = (options.listenPeerUrls ?? [free]).map(parseListener);
  if (clientTls === null && listenClient.some(({ secure }) => secure)) {
    throw invalid("an https URL to listen on for clients needs a certificate (clientTls)");
  }
  if (listenPeer.some(({ secure }) => secure !== (peerTls !== null))) {
    throw invalid("listenPeerUrls are https with peerTls, and http without");
  }
  return { listenClient, listenPeer, clientTls, peerTls };
}

export function invalid(message: string): KvError {
  return new KvError("invalid-options", message);
}

function parseListener(url: string): Listener {
  const match = /^(https?):\/\/(\[[^\]]+\]|[^:/]+):(\d+)\/?$/.exec(url);
  if (match === null) throw invalid(`cannot listen on "${url}": want http(s)://host:port`);
  const [, scheme, host = "", port] = match;
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(port), secure: scheme === "https" };
}

/** `http://host:port` of what was bound; a wildcard is advertised as loopback, as nobody can dial it. */
export function urlOf({ host, port, secure }: Listener): string {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  const address = reachable.includes(":") ? `[${reachable}]` : reachable;
  return `${secure ? "https" : "http"}://${address}:${port}`;
}

/** `host:port`, as a server listens on it. */
export function addressOf({ host, port }: HostPort): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
