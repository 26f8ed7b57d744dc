/**
 * etcd v3's requests and responses as plain values, free of any RPC library: the store, the
 * services, the codecs and the client all speak these. Revisions, versions and counts are numbers
 * (safe integers); lease IDs are bigint, for etcd hands out 63-bit ones. Keys and values are bytes.
 * Rules: etcd's `rpc.proto` and `kv.proto`.
 */

export type Bytes = Uint8Array;
/** 0n means no lease. */
export type LeaseId = bigint;

export interface KeyValuePair {
  readonly key: Bytes;
  readonly value: Bytes;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Puts since creation; 1 for a new key. */
  readonly version: number;
  readonly lease: LeaseId;
}

export interface ResponseHeader {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  readonly revision: number;
  readonly raftTerm: number;
}

export type SortTarget = "key" | "version" | "create" | "mod" | "value";
export type SortOrder = "none" | "ascend" | "descend";

/**
 * `rangeEnd` undefined: the one key. `rangeEnd` of one zero byte: all keys ≥ key. Otherwise the
 * half-open interval [key, rangeEnd). An empty `rangeEnd` is the same as undefined.
 */
export interface RangeRequest {
  readonly key: Bytes;
  readonly rangeEnd?: Bytes;
  /** 0: no limit. */
  readonly limit?: number;
  /** 0 or less: the newest. */
  readonly revision?: number;
  readonly sortOrder?: SortOrder;
  readonly sortTarget?: SortTarget;
  readonly serializable?: boolean;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  readonly minModRevision?: number;
  readonly maxModRevision?: number;
  readonly minCreateRevision?: number;
  readonly maxCreateRevision?: number;
}

export interface RangeResult {
  readonly kvs: readonly KeyValuePair[];
  readonly more: boolean;
  /** Keys in the interval, whatever the limit and the revision filters. */
  readonly count: number;
}

export interface PutRequest {
  readonly key: Bytes;
  readonly value: Bytes;
  readonly lease?: LeaseId;
  readonly prevKv?: boolean;
  readonly ignoreValue?: boolean;
  readonly ignoreLease?: boolean;
}

export interface PutResult {
  readonly prevKv: KeyValuePair | null;
}

export interface DeleteRangeRequest {
  readonly key: Bytes;
  readonly rangeEnd?: Bytes;
  readonly prevKv?: boolean;
}

export interface DeleteRangeResult {
  readonly deleted: number;
  readonly prevKvs: readonly KeyValuePair[];
}

export type CompareResult = "equal" | "greater" | "less" | "not-equal";

/** One condition of a transaction; with `rangeEnd` it must hold for every key of the interval. */
export type Compare = {
  readonly key: Bytes;
  readonly rangeEnd?: Bytes;
  readonly result: CompareResult;
} & (
  | { readonly target: "version" | "create" | "mod"; readonly revision: number }
  | { readonly target: "value"; readonly value: Bytes }
  | { readonly target: "lease"; readonly lease: LeaseId }
);

export type RequestOp =
  | { readonly type: "range"; readonly request: RangeRequest }
  | { readonly type: "put"; readonly request: PutRequest }
  | { readonly type: "delete"; readonly request: DeleteRangeRequest }
  | { readonly type: "txn"; readonly request: TxnRequest };

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export type ResponseOp =
  | { readonly type: "range"; readonly result: RangeResult }
  | { readonly type: "put"; readonly result: PutResult }
  | { readonly type: "delete"; readonly result: DeleteRangeResult }
  | { readonly type: "txn"; readonly result: TxnResult };

export interface TxnResult {
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}

/** A change of one key. A delete's `kv` holds only the key and the revision of the delete (`modRevision`). */
export interface WatchEvent {
  readonly type: "put" | "delete";
  readonly kv: KeyValuePair;
  readonly prevKv: KeyValuePair | null;
}

export type PermissionType = "read" | "write" | "readwrite";

/** What a role may do with an interval of keys. */
export interface Permission {
  readonly type: PermissionType;
  readonly key: Bytes;
  /** As in {@link RangeRequest}; empty: the one key. */
  readonly rangeEnd: Bytes;
}

/** A change of users, roles or of whether they count. Passwords come as hashes: the log holds none. */
export type AuthAction =
  | { readonly action: "enable" }
  | { readonly action: "disable" }
  | { readonly action: "authenticate"; readonly user: string; readonly token: string }
  | {
      readonly action: "user-add";
      readonly user: string;
      /** Empty: no password opens it, only a certificate. */
      readonly passwordHash: string;
    }
  | { readonly action: "user-delete"; readonly user: string }
  | { readonly action: "user-password"; readonly user: string; readonly passwordHash: string }
  | { readonly action: "user-grant"; readonly user: string; readonly role: string }
  | { readonly action: "user-revoke"; readonly user: string; readonly role: string }
  | { readonly action: "role-add"; readonly role: string }
  | { readonly action: "role-delete"; readonly role: string }
  | { readonly action: "role-grant"; readonly role: string; readonly permission: Permission }
  | {
      readonly action: "role-revoke";
      readonly role: string;
      readonly key: Bytes;
      readonly rangeEnd: Bytes;
    };

/** In whose name a command was proposed. */
export interface Author {
  /** Empty: nobody who has told who they are. */
  readonly user: string;
  /** Revision of the users and roles by which that was so; an older one than the store's is refused. */
  readonly revision: number;
  /** The process that the store is embedded in: everything is permitted. */
  readonly trusted: boolean;
}

/** The write operations that travel through consensus. */
export type Command =
  | { readonly type: "authored"; readonly author: Author; readonly command: PlainCommand }
  | PlainCommand;

/** A command by itself, whoever proposed it. */
export type PlainCommand =
  | { readonly type: "auth"; readonly change: AuthAction }
  | { readonly type: "put"; readonly request: PutRequest }
  | { readonly type: "delete"; readonly request: DeleteRangeRequest }
  | { readonly type: "txn"; readonly request: TxnRequest }
  | { readonly type: "compact"; readonly revision: number; readonly physical: boolean }
  | { readonly type: "lease-grant"; readonly id: LeaseId; readonly ttl: number }
  /** `term` is set when a leader's expiry proposes it: applied only if the entry's term equals it. */
  | { readonly type: "lease-revoke"; readonly id: LeaseId; readonly term?: number };

export type CommandResult =
  | {
      readonly type: "auth";
      readonly revision: number;
      /** Of `authenticate`: what the token is now, its place in the log included. */
      readonly token: string;
    }
  | { readonly type: "put"; readonly revision: number; readonly result: PutResult }
  | { readonly type: "delete"; readonly revision: number; readonly result: DeleteRangeResult }
  | { readonly type: "txn"; readonly revision: number; readonly result: TxnResult }
  | { readonly type: "compact"; readonly revision: number }
  | {
      readonly type: "lease-grant";
      readonly revision: number;
      readonly id: LeaseId;
      readonly ttl: number;
    }
  | { readonly type: "lease-revoke"; readonly revision: number }
  | { readonly type: "error"; readonly error: import("./errors.js").KvError };
