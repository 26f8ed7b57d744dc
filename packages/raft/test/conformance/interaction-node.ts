import { decodeConfChange } from "../../src/core/conf-change/codec.js";
import type { Config } from "../../src/core/config.js";
import { MemoryStorage } from "../../src/core/memory-storage.js";
import { RawNode } from "../../src/core/raw-node.js";
import {
  type ConfState,
  type Entry,
  EntryType,
  type HardState,
  type Message,
  type NodeId,
  type Snapshot,
} from "../../src/core/types.js";

import { ScriptError } from "./script-error.js";

/** Storage whose snapshot is always of the last applied entry. */
class HistoryStorage extends MemoryStorage {
  readonly history: Snapshot[] = [];

  override snapshot(): Snapshot {
    return this.history.at(-1)!;
  }
}

/** A member of the script's group, with its storage and the work of its storage threads. */
export class InteractionNode {
  readonly id: NodeId;
  readonly config: Config;
  readonly storage = new HistoryStorage();
  readonly raw: RawNode;
  readonly appendWork: Message[] = [];
  readonly applyWork: Message[] = [];

  constructor(id: NodeId, config: Omit<Config, "id" | "storage">, snapshot: Snapshot) {
    this.id = id;
    if (snapshot.metadata.index > 0) this.storage.applySnapshot(snapshot);
    this.storage.history.push(snapshot);
    this.config = { ...config, id, storage: this.storage };
    this.raw = new RawNode(this.config);
  }

  append(hardState: HardState | null, entries: readonly Entry[], snapshot: Snapshot | null): void {
    if (hardState !== null) this.storage.setHardState(hardState);
    if (snapshot === null || snapshot.metadata.index === 0) {
      this.storage.append(entries);
      return;
    }
    if (entries.length > 0) {
      throw new ScriptError("can't apply snapshot and entries at the same time");
    }
    this.storage.applySnapshot(snapshot);
  }

  /** Applies entries to a state that is nothing but their data in a row. */
  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const last = this.storage.history.at(-1)!;
      let update = entry.data;
      let confState: ConfState = last.metadata.confState;
      if (entry.type !== EntryType.Normal) {
        const change = decodeConfChange(entry.data, entry.type);
        confState = this.raw.applyConfChange(change);
        update = change.context;
      }
      const data = new Uint8Array(last.data.length + update.length);
      data.set(last.data);
      data.set(update, last.data.length);
      const metadata = { index: entry.index, term: entry.term, confState };
      this.storage.history.push({ metadata, data });
    }
  }
}
