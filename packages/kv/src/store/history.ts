import type { WatchEvent } from "../api/types.js";
import type { Key } from "./key-range.js";
import type { Keyspace } from "./keyspace.js";
import type { RevisionChanges } from "./revision-changes.js";
import { NO_ROW } from "./version-table.js";

/** Changes that lie side by side in the log. */
class LoggedChanges implements RevisionChanges {
  readonly revision: number;
  readonly size: number;
  readonly #keyspace: Keyspace;
  readonly #first: number;
  readonly #hidesPrevious: boolean;
  readonly #events: WatchEvent[] = [];

  constructor(keyspace: Keyspace, first: number, size: number, hidesPrevious: boolean) {
    this.#keyspace = keyspace;
    this.#first = first;
    this.#hidesPrevious = hidesPrevious;
    this.size = size;
    this.revision = keyspace.table.mod(keyspace.log.at(first));
  }

  keyAt(index: number): Key {
    return this.#keyspace.table.key(this.#keyspace.log.at(this.#first + index));
  }

  eventAt(index: number): WatchEvent {
    this.#events[index] ??= this.#event(index);
    return this.#events[index];
  }

  #event(index: number): WatchEvent {
    const { table, log } = this.#keyspace;
    const row = log.at(this.#first + index);
    // etcd tells what was there before the revision, not what the same transaction wrote first.
    let previous = this.#hidesPrevious ? NO_ROW : table.previous(row);
    while (previous !== NO_ROW && table.mod(previous) === this.revision) {
      previous = table.previous(previous);
    }
    return {
      type: table.isTombstone(row) ? "delete" : "put",
      kv: table.pair(row),
      prevKv: previous === NO_ROW || table.isTombstone(previous) ? null : table.pair(previous),
    };
  }
}

/**
 * Shows the changes of the log from place `start` on, revision by revision, until `maxChanges` were
 * shown and the revision is whole; returns the place after the last.
 *
 * What a change at or before the compacted revision replaced is not told, whether it is freed yet or
 * not: members must not differ by how far their scrubbing came.
 */
export function visitHistory(
  keyspace: Keyspace,
  start: number,
  maxChanges: number,
  visit: (changes: RevisionChanges) => void,
): number {
  const { log, table, compactRevision } = keyspace;
  let place = start;
  while (place < log.end && place - start < maxChanges) {
    const size = revisionSize(keyspace, place);
    const isCompacted = table.mod(log.at(place)) <= compactRevision;
    visit(new LoggedChanges(keyspace, place, size, isCompacted));
    place += size;
  }
  return place;
}

/** The changes from place `start` of the log on, just made: what they replaced is all still there. */
export function newChanges(keyspace: Keyspace, start: number): RevisionChanges[] {
  const all: RevisionChanges[] = [];
  for (let place = start; place < keyspace.log.end; ) {
    const size = revisionSize(keyspace, place);
    all.push(new LoggedChanges(keyspace, place, size, false));
    place += size;
  }
  return all;
}

function revisionSize({ log, table }: Keyspace, first: number): number {
  const revision = table.mod(log.at(first));
  let place = first + 1;
  while (place < log.end && table.mod(log.at(place)) === revision) place++;
  return place - first;
}
