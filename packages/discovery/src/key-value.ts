/**
 * The store as discovery needs it: a structural port that `@flotilla/kv`'s in-process store and
 * its client both fulfil, and anything else of this shape.
 */
export interface KeyValue {
  range(
    key: string,
    options: { readonly prefix: true; readonly signal?: AbortSignal },
  ): Promise<{
    readonly revision: number;
    readonly kvs: readonly {
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly lease: bigint;
      readonly modRevision: number;
    }[];
  }>;
  put(
    key: string,
    value: string,
    options?: { readonly lease?: bigint; readonly signal?: AbortSignal },
  ): Promise<unknown>;
  delete(key: string, options?: { readonly signal?: AbortSignal }): Promise<unknown>;
  watch(
    key: string,
    options: {
      readonly prefix: true;
      readonly startRevision: number;
      readonly signal: AbortSignal;
    },
  ): AsyncIterable<{
    readonly revision: number;
    readonly events: readonly {
      readonly type: "put" | "delete";
      readonly kv: {
        readonly key: Uint8Array;
        readonly value: Uint8Array;
        readonly lease: bigint;
        readonly modRevision: number;
      };
    }[];
  }>;
  leaseGrant(
    ttlSeconds: number,
    options?: { readonly signal?: AbortSignal },
  ): Promise<{ readonly id: bigint; readonly ttl: number }>;
  leaseKeepAlive(id: bigint, options?: { readonly signal?: AbortSignal }): Promise<number>;
  leaseRevoke(id: bigint, options?: { readonly signal?: AbortSignal }): Promise<void>;
}
