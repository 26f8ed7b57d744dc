import {
  type ConfChangeEntryType,
  decodeConfChange,
  type Entry,
  EntryType,
  RaftError,
  type RawNode,
} from "../../index.js";
import type { AppliedEntry, Codec, StateMachine } from "../types.js";
import type { SnapshotPoint } from "../wal/types.js";
import { decodeChangeContext, Membership } from "./membership.js";
import { type ProposalId, unwrapCommand } from "./proposals.js";

/** Who is told what applying brought about. */
export interface ApplierHost {
  settled(id: ProposalId, result: unknown): void;
  termBegan(term: number): void;
  membersChanged(): void;
}

export interface ApplierOptions<Command, Result> {
  readonly raw: RawNode;
  readonly codec: Codec<Command>;
  readonly stateMachine: Pick<StateMachine<Command, Result>, "apply">;
  readonly host: ApplierHost;
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Entries of one `apply` of the state machine, and how long it took. */
  readonly onApplied: (entries: number, ms: number) => void;
}

/** Applies committed entries: commands to the state machine, changes to the membership, each once and in order. */
export class Applier<Command, Result> {
  readonly membership: Membership = new Membership();
  /** The last entry that was applied. */
  at: SnapshotPoint = { index: 0, term: 0 };
  readonly #options: ApplierOptions<Command, Result>;

  constructor(options: ApplierOptions<Command, Result>) {
    this.#options = options;
  }

  /** Returns the entries' bytes. @throws RaftError `corrupt`; what the state machine throws */
  apply(entries: readonly Entry[]): number {
    const { stateMachine, host, now, onApplied } = this.#options;
    const batch: AppliedEntry<Command>[] = [];
    const ids: (ProposalId | null)[] = [];
    let bytes = 0;
    for (const entry of entries) {
      bytes += entry.data.length;
      const { command, id } = this.#take(entry);
      batch.push({ index: entry.index, term: entry.term, command });
      ids.push(id);
    }
    const begun = now();
    const results = stateMachine.apply(batch);
    onApplied(batch.length, now() - begun);
    for (const [at, id] of ids.entries()) {
      if (id) host.settled(id, batch[at]!.command === null ? undefined : results[at]);
      else host.termBegan(batch[at]!.term);
    }
    return bytes;
  }

  /** What an entry is for the state machine, and who waits for it. */
  #take({ index, term, type, data }: Entry): { command: Command | null; id: ProposalId | null } {
    if (index !== this.at.index + 1) {
      throw new RaftError("corrupt", `entry ${index} is to be applied after ${this.at.index}`);
    }
    this.at = { index, term };
    if (type !== EntryType.Normal) return { command: null, id: this.#change(type, data, index) };
    if (data.length === 0) return { command: null, id: null };
    const { id, command } = unwrapCommand(data, index);
    return { command: this.#options.codec.decode(command), id };
  }

  #change(type: ConfChangeEntryType, data: Uint8Array, index: number): ProposalId | null {
    const change = decodeConfChange(data, type);
    const { id, members } = decodeChangeContext(change.context);
    const confState = this.#options.raw.applyConfChange(change, index);
    this.membership.apply(change, members, confState);
    this.#options.host.membersChanged();
    return id;
  }
}
