import type { AppliedEntry } from "@flotilla/raft/node";
import { KvError } from "../api/errors.js";
import type {
  AuthAction,
  Bytes,
  Command,
  CommandResult,
  LeaseId,
  RangeRequest,
  RangeResult,
} from "../api/types.js";
import { loadAuth, saveAuth } from "../auth/auth-records.js";
import { AuthState } from "../auth/auth-state.js";
import { authorize } from "../auth/authorize.js";
import { tokenAt } from "../auth/token-provider.js";
import type { LeaseSource } from "../lease/types.js";
import type { WatchSource } from "../watch/types.js";
import { applyCommand } from "./apply.js";
import { checkRange } from "./check.js";
import { hashVersions } from "./hash.js";
import { newChanges, visitHistory } from "./history.js";
import { inRange, keyBytes, toRange } from "./key-range.js";
import { Keyspace } from "./keyspace.js";
import { evaluateRange } from "./range.js";
import type { RevisionChanges } from "./revision-changes.js";
import { readSnapshot } from "./snapshot-reader.js";
import { SnapshotStream } from "./snapshot-stream.js";
import type { LeaseChange, LeaseRecord, RevisionEvents, Store } from "./types.js";

/** Changes scrubbed in one turn: 1–3 ms. */
const SCRUB_CHANGES = 2000;

/** Tuning of a store. */
export interface MvccStoreOptions {
  /** Runs the work that compaction leaves in a later turn; `setImmediate` by default. */
  readonly schedule?: (turn: () => void) => void;
}

/** Where `null` entries of the log (the leader's marks) have no result; nobody looks at it. */
const NOTHING: CommandResult = { type: "error", error: new KvError("internal", "no command") };

/**
 * The store in memory, with etcd's semantics: deterministic, synchronous, without a clock.
 *
 * - Keys and values it returns are views of its own memory, good for as long as one likes but not to
 *   be written to, nor to be transferred to a worker: copy them before handing them to strangers.
 * - A compaction takes effect at once; what it frees is freed in later turns, 2,000 changes each,
 *   and not while a snapshot is read.
 *
 * @example
 * ```ts
 * const store = new MvccStore();
 * const key = Buffer.from("greeting");
 * const value = Buffer.from("ahoy");
 * store.apply([{ index: 1, term: 1, command: { type: "put", request: { key, value } } }]);
 * store.range({ key }).kvs[0]?.modRevision; // 2
 * ```
 */
export class MvccStore implements Store, WatchSource, LeaseSource {
  onCommit: ((revisions: readonly RevisionEvents[]) => void) | undefined;
  onLease: ((change: LeaseChange) => void) | undefined;
  /** The token provider's: a change of users, roles or logins was applied. */
  onAuth: ((change: AuthAction, index: number) => void) | undefined;
  /** The watch hub's: as `onCommit`, but events are made only when looked at. */
  onChanges: ((revisions: readonly RevisionChanges[]) => void) | undefined;
  /** The watch hub's: a snapshot replaced everything. */
  onRestore: (() => void) | undefined;

  readonly #schedule: (turn: () => void) => void;
  #keyspace = new Keyspace();
  #auth = new AuthState();
  #appliedIndex = 0;
  #appliedTerm = 0;
  #snapshot: SnapshotStream | undefined;
  #scrubScheduled = false;
  #scrubWaiters: (() => void)[] = [];

  constructor(options: MvccStoreOptions = {}) {
    this.#schedule = options.schedule ?? setImmediate;
  }

  get revision(): number {
    return this.#keyspace.revision;
  }

  get compactRevision(): number {
    return this.#keyspace.compactRevision;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  get appliedTerm(): number {
    return this.#appliedTerm;
  }

  /** Users and roles; not to be changed but by commands. */
  get auth(): AuthState {
    return this.#auth;
  }

  get sizeBytes(): number {
    return this.#keyspace.table.bytes;
  }

  /** Live keys, kept versions, and the memory set aside for keys and values. */
  get stats(): {
    readonly keys: number;
    readonly versions: number;
    readonly reservedBytes: number;
    /** Puts and deletions applied by this member since it started, or since it was last restored. */
    readonly puts: number;
    readonly deletes: number;
  } {
    const { index, table, puts, deletes } = this.#keyspace;
    const { reservedBytes, size: versions } = table;
    return { keys: index.live, versions, reservedBytes, puts, deletes };
  }

  apply(entries: readonly AppliedEntry<Command>[]): readonly CommandResult[] {
    const start = this.#keyspace.log.end;
    const results: CommandResult[] = [];
    for (const entry of entries) {
      results.push(this.#applyEntry(entry));
      this.#appliedIndex = entry.index;
      this.#appliedTerm = entry.term;
    }
    this.#notify(start);
    if (this.#keyspace.needsScrub) this.#scheduleScrub();
    return results;
  }

  range(request: RangeRequest): RangeResult {
    checkRange(request);
    return evaluateRange(this.#keyspace, request);
  }

  lease(id: LeaseId): LeaseRecord | undefined {
    const { leases } = this.#keyspace;
    const ttl = leases.ttl(id);
    return ttl === undefined ? undefined : { id, ttl, keys: leases.keys(id).map(keyBytes) };
  }

  leases(): readonly LeaseRecord[] {
    return [...this.#keyspace.leases].map(({ id }) => this.lease(id)!);
  }

  leaseTtls(): Iterable<{ readonly id: LeaseId; readonly ttl: number }> {
    return this.#keyspace.leases;
  }

  history(
    key: Bytes,
    rangeEnd: Bytes | undefined,
    startRevision: number,
    options: { readonly prevKv: boolean; readonly maxRevisions: number },
  ): readonly RevisionEvents[] {
    const range = toRange(key, rangeEnd);
    const found: RevisionEvents[] = [];
    let next = startRevision;
    while (next <= this.revision && found.length < options.maxRevisions) {
      next = this.scanHistory(next, 1, (changes) => {
        const events = eventsWhere(changes, (changed) => inRange(range, changed));
        if (events.length === 0) return;
        const shown = options.prevKv ? events : events.map((event) => ({ ...event, prevKv: null }));
        found.push({ revision: changes.revision, events: shown });
      });
    }
    return found;
  }

  scanHistory(
    startRevision: number,
    maxChanges: number,
    visit: (changes: RevisionChanges) => void,
  ): number {
    const keyspace = this.#keyspace;
    if (startRevision < keyspace.compactRevision) throw new KvError("compacted");
    const { log, table } = keyspace;
    const end = visitHistory(keyspace, log.find(startRevision), maxChanges, visit);
    return end < log.end ? table.mod(log.at(end)) : keyspace.revision + 1;
  }

  hash(revision: number): {
    readonly hash: number;
    readonly revision: number;
    readonly compactRevision: number;
  } {
    const { compactRevision } = this;
    const at = revision > 0 ? revision : this.revision;
    if (at > this.revision) throw new KvError("future-revision");
    if (at < compactRevision) throw new KvError("compacted");
    return { hash: hashVersions(this.#keyspace, at), revision: at, compactRevision };
  }

  /**
   * The state as of this call, whatever is applied while it is read; compaction frees nothing until
   * it is read or given up. Taking another snapshot ends this one: its reader gets an error.
   */
  snapshot(): AsyncIterable<Uint8Array> {
    this.#snapshot?.abandon();
    const keyspace = this.#keyspace;
    const moment = {
      revision: this.revision,
      compactRevision: this.compactRevision,
      appliedIndex: this.#appliedIndex,
      appliedTerm: this.#appliedTerm,
      leases: [...keyspace.leases],
      auth: saveAuth(this.#auth),
    };
    const stream = new SnapshotStream(keyspace, moment, () => {
      if (this.#snapshot === stream) this.#snapshot = undefined;
      if (this.#keyspace.needsScrub) this.#scheduleScrub();
    });
    this.#snapshot = stream;
    return stream;
  }

  /**
   * The new state is built aside and takes over when it is whole: when this rejects (KvError
   * `corrupt`), the old state is still there.
   */
  async restore(
    chunks: AsyncIterable<Uint8Array>,
    at: { index: number; term: number },
  ): Promise<void> {
    const { keyspace, auth } = await readSnapshot(chunks);
    this.#snapshot?.abandon();
    this.#keyspace = keyspace;
    this.#auth = loadAuth(auth);
    this.#appliedIndex = at.index;
    this.#appliedTerm = at.term;
    this.onLease?.({ type: "restored" });
    this.onRestore?.();
    this.#settleScrub();
  }

  /** Resolves when everything that compactions so far made unreadable is freed. */
  async scrubbed(): Promise<void> {
    if (!this.#keyspace.needsScrub) return;
    await new Promise<void>((resolve) => {
      this.#scrubWaiters.push(resolve);
      this.#scheduleScrub();
    });
  }

  #applyEntry({ command, term, index }: AppliedEntry<Command>): CommandResult {
    if (command === null) return NOTHING;
    try {
      authorize(this.#auth, command, (id) => this.#keyspace.leases.keys(id).map(keyBytes));
      const plain = command.type === "authored" ? command.command : command;
      if (plain.type === "auth") return this.#applyAuth(plain.change, index);
      return applyCommand(this.#keyspace, plain, term, this.onLease);
    } catch (error) {
      if (!KvError.is(error)) throw error;
      return { type: "error", error };
    }
  }

  #applyAuth(change: AuthAction, index: number): CommandResult {
    this.#auth.apply(change);
    this.onAuth?.(change, index);
    const token = change.action === "authenticate" ? tokenAt(change.token, index) : "";
    return { type: "auth", revision: this.revision, token };
  }

  #notify(start: number): void {
    if (this.#keyspace.log.end === start) return;
    if (this.onChanges === undefined && this.onCommit === undefined) return;
    const changes = newChanges(this.#keyspace, start);
    this.onChanges?.(changes);
    this.onCommit?.(
      changes.map((change) => ({
        revision: change.revision,
        events: eventsWhere(change, () => true),
      })),
    );
  }

  #scheduleScrub(): void {
    if (this.#scrubScheduled || this.#snapshot !== undefined) return;
    this.#scrubScheduled = true;
    this.#schedule(() => {
      this.#scrubScheduled = false;
      if (this.#snapshot !== undefined) return;
      this.#keyspace.scrub(SCRUB_CHANGES);
      if (this.#keyspace.needsScrub) this.#scheduleScrub();
      else this.#settleScrub();
    });
  }

  #settleScrub(): void {
    for (const resolve of this.#scrubWaiters.splice(0)) resolve();
  }
}

function eventsWhere(changes: RevisionChanges, wants: (key: string) => boolean) {
  const events = [];
  for (let i = 0; i < changes.size; i++) {
    if (wants(changes.keyAt(i))) events.push(changes.eventAt(i));
  }
  return events;
}
