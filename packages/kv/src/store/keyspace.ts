import type { Bytes, LeaseId } from "../api/types.js";
import { KeyIndex } from "./key-index.js";
import { isLive, rowOf } from "./key-index-node.js";
import type { Key, KeyRange } from "./key-range.js";
import { LeaseTable } from "./lease-table.js";
import { RevisionLog } from "./revision-log.js";
import { type NewVersion, NO_ROW, type Row, VersionTable } from "./version-table.js";

const EMPTY: Bytes = new Uint8Array(0);

/**
 * The whole data of a store: every kept version of every key, in order by key (`index`) and by
 * revision (`log`), with the leases. Writes go straight in, all under the next revision, which counts
 * once `commit()` is called; whoever writes has checked before that the write cannot fail.
 */
export class Keyspace {
  readonly table: VersionTable = new VersionTable();
  readonly index: KeyIndex = new KeyIndex();
  readonly log: RevisionLog = new RevisionLog(this.table);
  readonly leases: LeaseTable = new LeaseTable();
  revision = 1;
  compactRevision = 0;
  /** Written since this keyspace was made. */
  puts = 0;
  deletes = 0;
  /** Changes made under the next revision. */
  #changes = 0;
  /** The next place of the log whose predecessors compaction has to free. */
  #scrubbed = 0;

  /** True between the first write of a command and its `commit()`. */
  get isWriting(): boolean {
    return this.#changes > 0;
  }

  /** The newest row of a key that is not deleted, or NO_ROW. */
  newest(key: Key): Row {
    const entry = this.index.get(key);
    return entry !== undefined && isLive(entry) ? entry : NO_ROW;
  }

  /** The row that was the key's at `revision`, starting from its newest; NO_ROW if it did not exist. */
  rowAt(newest: Row, revision: number): Row {
    const { table } = this;
    let row = newest;
    while (row !== NO_ROW && table.mod(row) > revision) row = table.previous(row);
    return row === NO_ROW || table.isTombstone(row) ? NO_ROW : row;
  }

  /** Writes a value. The lease, if any, must exist. */
  put(key: Key, keyBytes: Bytes, value: Bytes, lease: LeaseId): void {
    const { index, table } = this;
    const entry = index.seek(key);
    const previous = entry === undefined ? NO_ROW : rowOf(entry);
    const exists = entry !== undefined && isLive(entry);
    const mod = this.revision + 1;
    const stored = index.soughtKey;
    const row = table.add({
      key: stored,
      keyBytes,
      value,
      mod,
      sub: this.#changes,
      create: exists ? table.create(previous) : mod,
      version: exists ? table.version(previous) + 1 : 1,
      lease,
      previous,
    });
    if (exists) this.#detach(previous, stored);
    if (lease !== 0n) this.leases.attach(lease, stored);
    index.place(row);
    this.#record(row);
    this.puts++;
  }

  /** Deletes a key that exists. */
  remove(key: Key): void {
    const { index, table } = this;
    const previous = rowOf(index.seek(key)!);
    const stored = index.soughtKey;
    const row = table.add({
      key: stored,
      keyBytes: table.keyBytes(previous),
      value: EMPTY,
      mod: this.revision + 1,
      sub: this.#changes,
      create: 0,
      version: 0,
      lease: 0n,
      previous,
    });
    this.#detach(previous, stored);
    index.place(~row);
    this.#record(row);
    this.deletes++;
  }

  /** Ends the writes of one command: they become the next revision, if there were any. */
  commit(): void {
    if (this.#changes === 0) return;
    this.revision++;
    this.#changes = 0;
  }

  /** Live keys of an interval, in order. */
  liveKeys(range: KeyRange): Key[] {
    const keys: Key[] = [];
    this.index.scan(range, (entry, key) => {
      if (isLive(entry)) keys.push(key);
      return true;
    });
    return keys;
  }

  /** Reads under `revision` fail from now on; `scrub` then frees what only they could see. */
  compact(revision: number): void {
    this.compactRevision = revision;
    this.#scrubbed = this.log.start;
  }

  /** True while there is something that no read can see any more, or memory to gather. */
  get needsScrub(): boolean {
    return this.#hasGarbage || this.table.hasSparse;
  }

  /** Frees what compaction left over: about `changes` changes, or half a MiB of moving. */
  scrub(changes: number): void {
    if (!this.#hasGarbage) {
      this.table.evacuate();
      return;
    }
    for (let left = changes; left > 0 && this.#hasGarbage; left--) this.#scrubOne();
  }

  /**
   * Takes a version from a snapshot, of an empty keyspace: those of a key oldest first, keys in order.
   * `finishLoad` ends it.
   */
  load(version: Omit<NewVersion, "previous">): void {
    const { index, table } = this;
    const entry = index.seek(version.key);
    const previous = entry === undefined ? NO_ROW : rowOf(entry);
    const key = index.soughtKey;
    const row = table.add({ ...version, key, previous });
    if (previous !== NO_ROW) this.#detach(previous, key);
    if (version.lease !== 0n) this.leases.attach(version.lease, key);
    index.place(version.version === 0 ? ~row : row);
  }

  /**
   * Brings the loaded versions in order of revision, in linear time. False when changes that the
   * log must hold are missing.
   */
  finishLoad(revision: number, compactRevision: number): boolean {
    this.revision = revision;
    this.compactRevision = compactRevision;
    const rows = this.#loggedRows();
    if (rows.includes(NO_ROW)) return false;
    for (const row of rows) this.log.push(row);
    this.#scrubbed = this.log.start;
    return true;
  }

  /** The rows of [compactRevision, revision], each at its place; NO_ROW where none claims it. */
  #loggedRows(): Int32Array {
    const { table, compactRevision, revision } = this;
    const span = revision - compactRevision + 1;
    // The first revision has no change, and before the first compaction there is revision 0 too.
    if (span > table.size + 2) return Int32Array.of(NO_ROW);
    const starts = new Uint32Array(span + 1);
    for (let row = 0; row < table.size; row++) {
      const at = table.mod(row) - compactRevision;
      if (at >= 0) starts[at + 1]! += 1;
    }
    for (let at = 1; at <= span; at++) starts[at]! += starts[at - 1]!;
    const rows = new Int32Array(starts[span]!).fill(NO_ROW);
    for (let row = 0; row < table.size; row++) {
      const at = table.mod(row) - compactRevision;
      if (at >= 0) rows[starts[at]! + table.sub(row)] = row;
    }
    return rows;
  }

  get #hasGarbage(): boolean {
    const { log } = this;
    if (this.#scrubbed >= log.end) return false;
    return this.table.mod(log.at(this.#scrubbed)) <= this.compactRevision;
  }

  /**
   * One change at or before the compacted revision: what it replaced is gone. Changes at that very
   * revision stay in the log, for a watcher may start there.
   */
  #scrubOne(): void {
    const { log, table } = this;
    const row = log.at(this.#scrubbed);
    const mod = table.mod(row);
    const previous = table.previous(row);
    // A key put and deleted in one transaction at the compacted revision itself: both are in the log.
    if (previous !== NO_ROW && table.mod(previous) < this.compactRevision) {
      table.cutPrevious(row);
      table.free(previous);
    }
    if (mod === this.compactRevision) {
      this.#scrubbed++;
      return;
    }
    log.dropFirst();
    this.#scrubbed = log.start;
    if (table.isTombstone(row)) this.#forgetDeleted(row);
  }

  /** A deletion that is still the newest of its key; else it goes with whatever follows it. */
  #forgetDeleted(row: Row): void {
    if (this.index.seek(this.table.key(row)) !== ~row) return;
    this.index.remove();
    this.table.free(row);
  }

  #detach(row: Row, key: Key): void {
    const lease = this.table.lease(row);
    if (lease !== 0n) this.leases.detach(lease, key);
  }

  #record(row: Row): void {
    this.log.push(row);
    this.#changes++;
  }
}
