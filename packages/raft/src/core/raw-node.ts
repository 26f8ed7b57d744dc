import { type ConfChangeEntryType, encodeConfChange } from "./conf-change/codec.js";
import { applyConfChange } from "./conf-change/membership.js";
import { type Config, resolveConfig } from "./config.js";
import { RaftError } from "./errors.js";
import { fail } from "./invariant.js";
import { entriesSize, NO_DATA, NO_ENTRIES } from "./log/entry.js";
import {
  draft,
  isLocalMessage,
  isLocalTarget,
  isResponseMessage,
  isStorageResponse,
} from "./message.js";
import { Raft } from "./raft.js";
import {
  needsStorageAppend,
  needsStorageAppendResponse,
  storageAppend,
  storageAppendResponse,
  storageApply,
  storageApplyResponse,
} from "./ready/storage-messages.js";
import { type BasicStatus, basicStatusOf, type Status, statusOf } from "./status.js";
import { step } from "./step/step.js";
import { tick } from "./step/tick.js";
import { checkMessage } from "./step/validate.js";
import {
  type ConfChange,
  type ConfState,
  EntryType,
  type HardState,
  type Message,
  MessageType,
  NONE,
  type NodeId,
  type ReadState,
  type Ready,
  type Role,
} from "./types.js";

const NO_READ_STATES: readonly ReadState[] = Object.freeze([]);

/**
 * One member of a Raft group, as a pure state machine: it is told what happens (`tick`, `step`,
 * `propose`) and tells what must be done (`ready`). It does no I/O, starts no timer and keeps no
 * clock, so that equal calls give equal results. Behaviour follows etcd-io/raft.
 *
 * The application loops: while `hasReady()`, take `ready()`, make `hardState`, `entries` and
 * `snapshot` durable, only then send `messages`, apply `committedEntries` (configuration changes
 * among them by `applyConfChange`), and call `advance()`. Calls are not reentrant.
 *
 * @example
 * ```ts
 * node.tick();
 * while (node.hasReady()) {
 *   const ready = node.ready();
 *   if (ready.hardState) storage.setHardState(ready.hardState);
 *   if (ready.snapshot) storage.applySnapshot(ready.snapshot);
 *   storage.append(ready.entries);
 *   for (const message of ready.messages) network.send(message);
 *   for (const entry of ready.committedEntries) apply(entry);
 *   node.advance();
 * }
 * ```
 */
export class RawNode {
  readonly #raft: Raft;
  readonly #async: boolean;
  #previousLead: NodeId;
  #previousRole: Role;
  #previousHardState: HardState;
  /** What the last Ready promised to itself, in the order to be delivered. */
  #stepsOnAdvance: Message[] = [];

  /** Starts from what storage holds. Throws `invalid-config`. */
  constructor(config: Config) {
    const raft = new Raft(resolveConfig(config));
    this.#raft = raft;
    this.#async = raft.config.asyncStorageWrites;
    this.#previousLead = raft.lead;
    this.#previousRole = raft.role;
    this.#previousHardState = this.#hardState();
  }

  /** Time passes: `electionTick` and `heartbeatTick` count these calls. */
  tick(): void {
    tick(this.#raft);
  }

  /** Replaces `Config.priority` from the next election on. Throws `invalid-config`. */
  setPriority(priority: number): void {
    if (!Number.isSafeInteger(priority)) {
      throw new RaftError("invalid-config", `priority must be a safe integer, not ${priority}`);
    }
    this.#raft.priority = priority;
  }

  /** Stands for election now; nothing happens when this member leads or may not. */
  campaign(): void {
    step(this.#raft, draft(MessageType.Hup, NONE));
  }

  /**
   * Proposes data for the log, here or (by forwarding) at the leader. Committed entries show
   * whether it got in. The bytes must not be changed afterwards. Throws `proposal-dropped`.
   */
  propose(data: Uint8Array): void {
    const message = draft(MessageType.Prop, NONE);
    message.from = this.#raft.id;
    message.entries = [{ term: 0, index: 0, type: EntryType.Normal, data }];
    step(this.#raft, message);
  }

  /**
   * Proposes a change of membership. One that does not fit the active configuration, or comes
   * while another may be pending, takes its place in the log as an empty entry. `entryType` is
   * for groups that also hold changes of the older kind. Throws `proposal-dropped`, and
   * `invalid-config` for what the older kind cannot hold.
   */
  proposeConfChange(
    change: ConfChange,
    entryType: ConfChangeEntryType = EntryType.ConfChangeV2,
  ): void {
    const message = draft(MessageType.Prop, NONE);
    const data = encodeConfChange(change, entryType);
    message.entries = [{ term: 0, index: 0, type: entryType, data }];
    step(this.#raft, message);
  }

  /**
   * To be called for each committed configuration change, in its place among the entries; returns
   * the configuration to keep with the next snapshot. Give the entry's `index`: a snapshot may
   * have come in since the entry was handed out, and a change that it holds already is then left
   * out. Throws `invalid-config` when it does not fit (possible only with
   * `disableConfChangeValidation`).
   */
  applyConfChange(change: ConfChange, index: number = Number.POSITIVE_INFINITY): ConfState {
    return applyConfChange(this.#raft, change, index);
  }

  /**
   * Takes a message of another member or of a storage thread. The caller has made sure that it is
   * of whom it says. Throws, without having done anything, `step-local-message` for types that do
   * not come by network, `step-peer-not-found` for answers of strangers, `invalid-message` for
   * what no correct member sends, `diverged` where the group and this member's log cannot both be
   * right, and `proposal-dropped` for a forwarded proposal that is dropped here.
   */
  step(message: Message): void {
    const { type, from } = message;
    if (isLocalTarget(from) ? !isStorageResponse(type) : isLocalMessage(type)) {
      throw new RaftError("step-local-message", `message ${type} from ${from} is a local one`);
    }
    if (!isLocalTarget(from)) {
      checkMessage(message, this.#raft.id);
      if (isResponseMessage(type) && this.#raft.tracker.get(from) === undefined) {
        throw new RaftError("step-peer-not-found", `answer from ${from}, which is no member`);
      }
    }
    step(this.#raft, message);
  }

  /** True when `ready` has something to say. */
  hasReady(): boolean {
    const raft = this.#raft;
    return (
      raft.messages.length > 0 ||
      raft.messagesAfterAppend.length > 0 ||
      raft.log.unstable.hasNextEntries() ||
      raft.log.hasNextCommitted(!this.#async) ||
      raft.readStates.length > 0 ||
      raft.lead !== this.#previousLead ||
      raft.role !== this.#previousRole ||
      this.#hardStateChanged() ||
      raft.log.unstable.nextSnapshot() !== null
    );
  }

  /**
   * The work to be done now; it must be done, and once. Without `asyncStorageWrites` call
   * `advance` before the next one. With it, storage work is also among the messages: those to
   * `LOCAL_APPEND_THREAD` and `LOCAL_APPLY_THREAD` are done in order, and then their `responses`
   * are delivered (to this member by `step`).
   */
  ready(): Ready {
    if (this.#stepsOnAdvance.length > 0) fail("ready was called twice without advance");
    const raft = this.#raft;
    const allowUnstable = !this.#async;
    const softStateChanged = raft.lead !== this.#previousLead || raft.role !== this.#previousRole;
    const hardState = this.#hardStateChanged() ? this.#hardState() : null;
    const entries = raft.log.unstable.hasNextEntries()
      ? raft.log.unstable.nextEntries()
      : NO_ENTRIES;
    const committedEntries = raft.log.hasNextCommitted(allowUnstable)
      ? raft.log.nextCommitted(allowUnstable)
      : NO_ENTRIES;
    const ready = {
      softState: softStateChanged ? { lead: raft.lead, role: raft.role } : null,
      hardState,
      readStates: raft.readStates.length > 0 ? raft.readStates : NO_READ_STATES,
      entries,
      snapshot: raft.log.unstable.nextSnapshot(),
      committedEntries,
      messages: raft.messages,
      mustSync:
        entries.length > 0 ||
        raft.vote !== this.#previousHardState.vote ||
        raft.term !== this.#previousHardState.term,
    };
    if (this.#async) this.#queueStorageWork(ready);
    else this.#queueAcknowledgements(ready);
    this.#accept(ready);
    return ready;
  }

  #queueStorageWork(ready: Ready & { messages: Message[] }): void {
    if (needsStorageAppend(this.#raft, ready)) {
      ready.messages.push(storageAppend(this.#raft, ready));
    }
    if (ready.committedEntries.length > 0) {
      ready.messages.push(storageApply(this.#raft, ready.committedEntries));
    }
  }

  #queueAcknowledgements(ready: Ready & { messages: Message[] }): void {
    const raft = this.#raft;
    for (const message of raft.messagesAfterAppend) {
      if (message.to === raft.id) this.#stepsOnAdvance.push(message);
      else ready.messages.push(message);
    }
    if (needsStorageAppendResponse(raft, ready)) {
      this.#stepsOnAdvance.push(storageAppendResponse(raft, ready));
    }
    if (ready.committedEntries.length > 0) {
      this.#stepsOnAdvance.push(storageApplyResponse(raft, ready.committedEntries));
    }
  }

  #accept(ready: Ready): void {
    const raft = this.#raft;
    this.#previousLead = raft.lead;
    this.#previousRole = raft.role;
    if (ready.hardState !== null) this.#previousHardState = ready.hardState;
    if (ready.readStates.length > 0) raft.readStates = [];
    raft.messages = [];
    raft.messagesAfterAppend = [];
    raft.log.unstable.acceptInProgress();
    const last = ready.committedEntries[ready.committedEntries.length - 1];
    if (last !== undefined) {
      raft.log.acceptApplying(last.index, entriesSize(ready.committedEntries), !this.#async);
    }
  }

  /** The last Ready is done: durable, sent and applied. Not with `asyncStorageWrites`. */
  advance(): void {
    if (this.#async) fail("advance was called with asyncStorageWrites");
    const steps = this.#stepsOnAdvance;
    this.#stepsOnAdvance = [];
    for (const message of steps) step(this.#raft, message);
  }

  /** Everything about this member; allocates for each other one while it leads. */
  status(): Status {
    return statusOf(this.#raft);
  }

  /** The part of `status` that is cheap enough for every turn of a loop. */
  basicStatus(): BasicStatus {
    return basicStatusOf(this.#raft);
  }

  /**
   * The term of the entry at `index` in this member's log, durable or not; −1 when it is not there
   * or was compacted away.
   */
  logTerm(index: number): number {
    return this.#raft.log.term(index);
  }

  /** The transport could not deliver to `id`: the leader goes back to probing it. */
  reportUnreachable(id: NodeId): void {
    const message = draft(MessageType.Unreachable, NONE);
    message.from = id;
    step(this.#raft, message);
  }

  /** The transport is done with the snapshot for `id`, or gave up on it. Must follow each sent one. */
  reportSnapshot(id: NodeId, ok: boolean): void {
    const message = draft(MessageType.SnapStatus, NONE);
    message.from = id;
    message.reject = !ok;
    step(this.#raft, message);
  }

  /** Asks the leader to hand over to `id`; proposals are dropped until that is done or has failed. */
  transferLeader(id: NodeId): void {
    const message = draft(MessageType.TransferLeader, NONE);
    message.from = id;
    step(this.#raft, message);
  }

  /**
   * A follower forgets its leader, so that it grants votes before its election timeout (for a
   * member that knows the leader gone). Nothing happens on leaders and with lease-based reads.
   */
  forgetLeader(): void {
    step(this.#raft, draft(MessageType.ForgetLeader, NONE));
  }

  /**
   * Asks for a linearizable read: a Ready will bring a `ReadState` with this context, and once its
   * index is applied the read may be served. Without a leader, or when messages are lost, it never
   * does: ask again after a while.
   */
  readIndex(context: Uint8Array): void {
    const message = draft(MessageType.ReadIndex, NONE);
    const data = context.length === 0 ? NO_DATA : context;
    message.entries = [{ term: 0, index: 0, type: EntryType.Normal, data }];
    step(this.#raft, message);
  }

  /**
   * Replaces the drawn election timeout, in ticks, until the role or term changes next. For tests
   * that need one certain member to stand first.
   */
  setElectionTimeout(ticks: number): void {
    this.#raft.randomizedElectionTimeout = ticks;
  }

  #hardState(): HardState {
    const { term, vote, log } = this.#raft;
    return { term, vote, commit: log.committed };
  }

  #hardStateChanged(): boolean {
    const previous = this.#previousHardState;
    const raft = this.#raft;
    return (
      raft.term !== previous.term ||
      raft.vote !== previous.vote ||
      raft.log.committed !== previous.commit
    );
  }
}
