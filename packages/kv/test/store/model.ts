import type { Command, CommandResult, RequestOp, TxnRequest } from "../../src/api/types.js";
import { text } from "./driven-store.js";

interface ModelVersion {
  readonly key: string;
  /** null: deleted. */
  readonly value: string | null;
  readonly mod: number;
  readonly create: number;
  readonly version: number;
  readonly lease: bigint;
}

export interface ModelEvent {
  readonly revision: number;
  readonly key: string;
  readonly value: string | null;
  readonly previous: string | null;
}

/** What the store should be: the list of everything that ever happened, looked through each time. */
export class ModelStore {
  readonly versions: ModelVersion[] = [];
  readonly leases = new Set<bigint>();
  revision = 1;
  compactRevision = 0;

  at(key: string, revision: number = Number.POSITIVE_INFINITY): ModelVersion | undefined {
    const last = this.versions.findLast((v) => v.key === key && v.mod <= revision);
    return last?.value === null ? undefined : last;
  }

  range(from: string, to: string, revision: number): ModelVersion[] {
    const keys = [...new Set(this.versions.map(({ key }) => key))].sort();
    const inside = keys.filter((key) => key >= from && (to === "\0" || key < to));
    return inside.map((key) => this.at(key, revision)).filter((v) => v !== undefined);
  }

  events(startRevision: number): ModelEvent[] {
    return this.versions
      .filter(({ mod }) => mod >= startRevision)
      .map(({ mod, key, value }) => {
        const previous = this.at(key, mod - 1)?.value ?? null;
        return { revision: mod, key, value, previous };
      });
  }

  /** Applies what the store said was fine. */
  apply(command: Command, result: CommandResult): void {
    if (result.type === "error" || command.type === "authored" || command.type === "auth") return;
    const before = this.versions.length;
    if (command.type === "compact") this.compactRevision = command.revision;
    else if (command.type === "lease-grant") this.leases.add(command.id);
    else if (command.type === "lease-revoke") this.#revoke(command.id);
    else if (command.type === "txn") this.#txn(command.request);
    else this.#op(command);
    if (this.versions.length > before) this.revision++;
  }

  #txn({ compare, success, failure }: TxnRequest): void {
    const succeeded = compare.every(({ key }) => this.at(text(key)) === undefined);
    for (const op of succeeded ? success : failure) this.#op(op);
  }

  #op(op: RequestOp): void {
    if (op.type === "delete") {
      const from = text(op.request.key);
      const end = op.request.rangeEnd;
      const to = end === undefined || end.length === 0 ? `${from}\0` : text(end);
      for (const { key } of this.range(from, to, Number.POSITIVE_INFINITY)) this.#delete(key);
    } else if (op.type === "put") {
      const { key, value, lease } = op.request;
      this.#put(text(key), text(value), lease ?? 0n);
    }
  }

  #revoke(id: bigint): void {
    for (const { key } of this.range("", "\0", Number.POSITIVE_INFINITY)) {
      if (this.at(key)?.lease === id) this.#delete(key);
    }
    this.leases.delete(id);
  }

  #put(key: string, value: string, lease: bigint): void {
    const old = this.at(key);
    const mod = this.revision + 1;
    const create = old?.create ?? mod;
    this.versions.push({ key, value, mod, create, version: (old?.version ?? 0) + 1, lease });
  }

  #delete(key: string): void {
    const mod = this.revision + 1;
    this.versions.push({ key, value: null, mod, create: 0, version: 0, lease: 0n });
  }
}
