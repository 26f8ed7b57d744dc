import { KvError, type KvErrorCode } from "../../src/api/errors.js";
import type {
  Bytes,
  Command,
  CommandResult,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../../src/api/types.js";
import { MvccStore } from "../../src/store/mvcc-store.js";

/** A store with the few moves that the tests are told in. */
export class DrivenStore {
  readonly store: MvccStore;
  term = 1;

  constructor(store: MvccStore = new MvccStore()) {
    this.store = store;
  }

  apply(command: Command): CommandResult {
    return this.applyAll([command])[0]!;
  }

  /** One batch, as consensus would hand it over. */
  applyAll(commands: readonly Command[]): readonly CommandResult[] {
    const first = this.store.appliedIndex + 1;
    return this.store.apply(
      commands.map((command, at) => ({ index: first + at, term: this.term, command })),
    );
  }

  put(key: string, value: string, lease = 0n): CommandResult {
    return this.apply({ type: "put", request: { key: bytes(key), value: bytes(value), lease } });
  }

  delete(key: string, rangeEnd?: string): CommandResult {
    return this.apply({ type: "delete", request: { ...interval(key, rangeEnd), prevKv: true } });
  }

  txn(request: Partial<TxnRequest>): CommandResult {
    const all = { compare: [], success: [], failure: [], ...request };
    return this.apply({ type: "txn", request: all });
  }

  compact(revision: number): CommandResult {
    return this.apply({ type: "compact", revision, physical: false });
  }

  grant(id: bigint, ttl = 60): CommandResult {
    return this.apply({ type: "lease-grant", id, ttl });
  }

  revoke(id: bigint, term?: number): CommandResult {
    return this.apply({ type: "lease-revoke", id, ...(term === undefined ? {} : { term }) });
  }

  /** "key=value" of what a range finds. */
  range(key: string, rangeEnd?: string, rest: Partial<RangeRequest> = {}): string[] {
    return shown(this.store.range({ ...interval(key, rangeEnd), ...rest }).kvs);
  }

  get(key: string) {
    return this.store.range({ key: bytes(key) }).kvs[0];
  }
}

export function bytes(text: string): Bytes {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

export function text(value: Bytes): string {
  return Buffer.from(value).toString("latin1");
}

export function shown(kvs: readonly { readonly key: Bytes; readonly value: Bytes }[]): string[] {
  return kvs.map((kv) => `${text(kv.key)}=${text(kv.value)}`);
}

export function interval(key: string, rangeEnd?: string): { key: Bytes; rangeEnd?: Bytes } {
  return rangeEnd === undefined
    ? { key: bytes(key) }
    : { key: bytes(key), rangeEnd: bytes(rangeEnd) };
}

export const put = (key: string, value = "v"): RequestOp => ({
  type: "put",
  request: { key: bytes(key), value: bytes(value) },
});

export const del = (key: string, rangeEnd?: string): RequestOp => ({
  type: "delete",
  request: interval(key, rangeEnd),
});

export const get = (key: string, revision = 0): RequestOp => ({
  type: "range",
  request: { key: bytes(key), revision },
});

export const nested = (success: RequestOp[], failure: RequestOp[] = []): RequestOp => ({
  type: "txn",
  request: { compare: [], success, failure },
});

/** The error's code, or "ok". */
export function codeOf(result: CommandResult): KvErrorCode | "ok" {
  return result.type === "error" ? result.error.code : "ok";
}

export function codeThrown(action: () => unknown): KvErrorCode | "ok" {
  try {
    action();
    return "ok";
  } catch (error) {
    if (!KvError.is(error)) throw error;
    return error.code;
  }
}
