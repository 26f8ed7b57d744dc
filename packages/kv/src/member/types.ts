import type { JwtOptions } from "../auth/jwt.js";
import type { KeyValue } from "../client/key-value.js";
import type { ClientTls, PeerTls } from "../tls/types.js";

/** How to start one store member. All addresses are loopback with free ports unless told. */
export interface MemberOptions {
  /** etcd's `--name`; "default". */
  readonly name?: string;
  /** A folder of this member alone; "memory" keeps nothing (the default). */
  readonly storage?: { readonly directory: string } | "memory";
  /** `http://host:port` URLs; port 0 picks a free one. */
  readonly listenClientUrls?: readonly string[];
  readonly advertiseClientUrls?: readonly string[];
  readonly listenPeerUrls?: readonly string[];
  readonly advertisePeerUrls?: readonly string[];
  /** Name → peer URLs of all first members, this one included; alone by default. */
  readonly initialCluster?: Readonly<Record<string, readonly string[]>>;
  /** Tells clusters apart; a data directory or peer of another is refused. */
  readonly clusterToken?: string;
  /** "existing" for a member that was added to a running cluster. */
  readonly initialClusterState?: "new" | "existing";
  /** With "existing": client URLs of members that run, to learn the cluster from. */
  readonly joinEndpoints?: readonly string[];
  /**
   * etcd's `--force-new-cluster`, for the last member of a cluster whose majority is lost for good: it
   * becomes the only one of a new cluster and keeps all its data. Done once, also where it stays set;
   * refused (`invalid-options`) where another member still has a majority, and where there is damage.
   */
  readonly forceNewCluster?: boolean;
  /** With `forceNewCluster`: what was done, before the member serves. */
  readonly onForced?: (forced: ForcedStore) => void;
  /** A peer of another cluster or version was refused, or refused this member; told at every attempt. */
  readonly onPeerRefused?: (error: Error) => void;
  /** For the `https` URLs among `listenClientUrls`. */
  readonly clientTls?: ClientTls;
  /** Members then speak TLS with each other; all `listenPeerUrls` are `https`. */
  readonly peerTls?: PeerTls;
  /**
   * The release of etcd that clients are told this is ("3.5.0"): for those that look for another and would
   * refuse to talk.
   */
  readonly apiVersion?: string;
  /** What a login gets: a random token that lives five minutes beyond its last use, by default. */
  readonly authTokens?: AuthTokens;
  readonly heartbeatMs?: number;
  readonly electionMs?: number;
  readonly snapshotCount?: number;
  /** History is kept for so many revisions; all of it when absent, until somebody compacts. */
  readonly keepRevisions?: number;
  /** 128 by default. */
  readonly maxTxnOps?: number;
  /** 1.5 MiB by default. */
  readonly maxRequestBytes?: number;
  /** 2 GiB by default. */
  readonly quotaBytes?: number;
  /** Calls and streams that one connection may have open at a time; no bound by default. */
  readonly maxConcurrentStreams?: number;
}

/** What `forceNewCluster` did. */
export interface ForcedStore {
  /** False where it was done at an earlier start, and nothing was done now. */
  readonly done: boolean;
  /** The new cluster's. */
  readonly clusterId: bigint;
  /** The members that were lost; those that come back are refused. */
  readonly removed: readonly StoreMemberInfo[];
  /** Log entries that this member did not know to be committed, and that count now. */
  readonly uncommitted: number;
}

/** Tokens of those who log in. */
export interface AuthTokens {
  /** How long a simple token lives beyond its last use. */
  readonly ttlSeconds?: number;
  /** Signed tokens in place of simple ones; the same keys on each member. */
  readonly jwt?: JwtOptions;
}

/** A running store member. `stop` (or `await using`) leaves nothing behind but its directory. */
export interface StoreMember extends AsyncDisposable {
  readonly name: string;
  readonly memberId: bigint;
  readonly clusterId: bigint;
  /** As bound: `http://127.0.0.1:41234`. */
  readonly clientUrls: readonly string[];
  readonly peerUrls: readonly string[];
  /** The store without a network hop; the same contract as the client. */
  readonly local: KeyValue;
  status(): StoreStatus;
  /** Resolves when a leader is known. */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Rejects with the reason when the member can no longer go on (a failed fsync); the process should exit. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

export interface StoreStatus {
  readonly leader: bigint;
  readonly isLeader: boolean;
  readonly raftTerm: number;
  readonly raftIndex: number;
  readonly raftAppliedIndex: number;
  readonly revision: number;
  readonly dbSize: number;
  readonly members: readonly StoreMemberInfo[];
}

export interface StoreMemberInfo {
  readonly id: bigint;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly learner: boolean;
}
