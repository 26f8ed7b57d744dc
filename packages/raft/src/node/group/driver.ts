import {
  decodeConfChange,
  type Entry,
  EntryType,
  type HardState,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type Message,
  MessageType,
  type NodeId,
  RaftError,
  type RaftErrorCode,
  type RawNode,
  type ReadState,
  type Ready,
  type SoftState,
} from "../../index.js";
import { RoundTrips } from "../metrics/round-trips.js";
import type { RaftMetrics } from "../metrics/types.js";
import { Snapshotter } from "../snapshot/snapshotter.js";
import type { OpenedStorage } from "../storage/storage.js";
import type { Clock, Codec, StateMachine, Transport } from "../types.js";
import { Applier, type ApplierHost } from "./applier.js";
import { membersOf } from "./members.js";
import { decodeChangeContext, type Membership } from "./membership.js";
import type { ProposalId } from "./proposals.js";
import { Turns } from "./turns.js";

/** What the driver tells the group. */
export interface DriverHost extends ApplierHost {
  /** A turn begins: last chance to step proposals and reads. */
  beforeReady(): void;
  /** All that the turn's steps gave has been handed on. */
  afterReady(): void;
  soft(state: SoftState): void;
  readStates(states: readonly ReadState[]): void;
  /** Proposals that a peer forwards, or its refusal of some. */
  proposed(message: Message): void;
  /** A membership change entered this member's log. */
  changeLogged(id: ProposalId): void;
  applied(index: number): void;
  /** The state was replaced by a snapshot: entries were skipped. */
  restored(index: number, term: number): void;
  /** This member's own snapshot is durable. */
  snapshotTaken(index: number, term: number): void;
  fatal(error: Error): void;
}

export interface DriverOptions<Command, Result> {
  readonly id: NodeId;
  readonly raw: RawNode;
  readonly storage: OpenedStorage;
  readonly transport: Transport;
  readonly stateMachine: StateMachine<Command, Result>;
  readonly codec: Codec<Command>;
  readonly clock: Clock;
  readonly snapshotEntries: number;
  readonly snapshotBytes: number;
  readonly keepEntries: number;
  readonly snapshotRetryMs: number;
  readonly metrics: RaftMetrics | undefined;
  readonly host: DriverHost;
}

/**
 * Runs the core: one turn of the event loop takes everything that came in, asks the core once what
 * is to be done, and starts it. Storage work is asynchronous (the core's `asyncStorageWrites`): while
 * an fsync runs, the leader's appends are already on their way, and heartbeats and reads go on.
 * Nothing that depends on an fsync leaves before it, because the core ties it to the storage message.
 */
export class Driver<Command, Result> {
  readonly raw: RawNode;
  readonly snapshotter: Snapshotter;
  readonly #options: DriverOptions<Command, Result>;
  readonly #host: DriverHost;
  readonly #applier: Applier<Command, Result>;
  readonly #turns: Turns;
  readonly #metrics: RaftMetrics | undefined;
  readonly #roundTrips: RoundTrips | null;
  #outbox: Message[] = [];
  readonly #toApply: Message[] = [];
  /** Storage work that waits for a snapshot to be restored; null when none is. */
  #held: { message: Message; sync: boolean }[] | null = null;
  #restoring: Promise<void> | null = null;
  #scheduled = false;
  #lingered = false;
  #stopped = false;

  constructor(options: DriverOptions<Command, Result>) {
    this.#options = options;
    this.#host = options.host;
    this.#turns = Turns.of(options.clock);
    this.#metrics = options.metrics;
    this.#roundTrips = options.metrics ? new RoundTrips(options.metrics) : null;
    this.raw = options.raw;
    const { snapshot, log, memory, snapshots, marks } = options.storage;
    this.#applier = new Applier({
      raw: options.raw,
      codec: options.codec,
      stateMachine: options.stateMachine,
      host: options.host,
      now: () => options.clock.now(),
      onApplied: (entries, ms) => {
        this.#metrics?.count("entries_applied", entries);
        this.#measure("apply", entries, ms);
      },
    });
    if (snapshot) {
      const { index, term, confState } = snapshot.metadata;
      this.#applier.at = { index, term };
      this.membership.reset(membersOf(snapshot), confState);
    }
    this.snapshotter = new Snapshotter(
      {
        log,
        memory,
        store: snapshots,
        stateMachine: options.stateMachine,
        entries: options.snapshotEntries,
        bytes: options.snapshotBytes,
        keepEntries: options.keepEntries,
        clock: options.clock,
        retryMs: options.snapshotRetryMs,
        marks,
        onTaken: ({ index, term }, ms) => {
          this.#metrics?.observe("snapshot_save_seconds", ms / 1000);
          this.#host.snapshotTaken(index, term);
          this.schedule();
        },
        onNotTaken: () => this.#metrics?.count("snapshots_failed", 1),
        onFailure: (error) => this.fail(error),
      },
      this.applied,
    );
    memory.onWanted = () => this.snapshotter.want();
  }

  get applied(): number {
    return this.#applier.at.index;
  }

  get membership(): Membership {
    return this.#applier.membership;
  }

  /** Asks for a turn: everything until then shares it. */
  schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#turns.add(this.#turn);
  }

  /** Steps messages from a peer. */
  receive(messages: readonly Message[]): void {
    if (this.#stopped) return;
    this.#roundTrips?.received(messages, this.#options.clock.now());
    try {
      for (const message of messages) {
        if (message.type === MessageType.Prop) this.#host.proposed(message);
        else this.#step(message);
      }
    } catch (error) {
      this.fail(error);
    }
    this.schedule();
  }

  /** What was sent to a peer last is lost. */
  unreachable(id: NodeId): void {
    if (this.#stopped) return;
    this.#roundTrips?.lost(id);
    this.raw.reportUnreachable(id);
    this.schedule();
  }

  /** Sends a message of the driver's own with the next turn. */
  send(message: Message): void {
    this.#outbox.push(message);
    this.schedule();
  }

  /** Nothing is begun any more; resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#options.storage.log.close();
    await this.#restoring;
    await this.snapshotter.stop();
  }

  fail(error: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#host.fatal(error instanceof Error ? error : new Error(String(error)));
  }

  readonly #turn = (until: number): void => {
    this.#scheduled = false;
    if (this.#stopped) return;
    try {
      this.#host.beforeReady();
      while (this.raw.hasReady()) this.#take(this.raw.ready());
      this.#send();
      this.#host.afterReady();
      this.#applySome(until);
      // The core may have asked in the middle of a batch, or one became due while another was being
      // written; here the state machine stands still.
      this.#maybeSnapshot();
    } catch (error) {
      this.fail(error);
    }
  };

  #take(ready: Ready): void {
    if (ready.softState) this.#host.soft(ready.softState);
    if (ready.readStates.length > 0) this.#host.readStates(ready.readStates);
    for (const message of ready.messages) {
      if (message.to === LOCAL_APPEND_THREAD) this.#persist(message, ready.mustSync);
      else if (message.to === LOCAL_APPLY_THREAD) this.#toApply.push(message);
      else this.#outbox.push(message);
    }
  }

  #send(): void {
    if (this.#outbox.length === 0) return;
    this.#lingered = !this.#lingered && this.#isNewsOfCommit();
    if (this.#lingered) {
      this.schedule();
      return;
    }
    const messages = this.#outbox;
    this.#outbox = [];
    this.#roundTrips?.sent(messages, this.#options.clock.now());
    this.#options.transport.send(messages);
  }

  /**
   * True when there is only a moved commit index to tell, and this turn applies what was committed.
   * Whoever waited for that often proposes again at once, and the news goes along with it, one turn
   * later, at half the messages.
   */
  #isNewsOfCommit(): boolean {
    if (this.#toApply.length === 0) return false;
    return this.#outbox.every(({ type, entries }) => {
      return type === MessageType.App && entries.length === 0;
    });
  }

  #step(message: Message): void {
    try {
      this.raw.step(message);
    } catch (error) {
      if (!RaftError.is(error) || !HARMLESS.has(error.code)) this.fail(error);
      else this.#metrics?.count("messages_refused", 1, { peer: message.from });
    }
  }

  /** What a piece of work made true: the core's own part at once, the others' with the turn. */
  #deliver(responses: readonly Message[]): void {
    for (const message of responses) {
      if (message.to === this.#options.id) this.#step(message);
      else this.#outbox.push(message);
    }
    this.schedule();
  }

  #persist(message: Message, sync: boolean): void {
    if (this.#held) {
      this.#held.push({ message, sync });
      return;
    }
    for (const entry of message.entries) {
      if (entry.type !== EntryType.Normal) this.#announceChange(entry);
    }
    if (message.snapshot) {
      this.#held = [];
      this.#restoring = this.#restore(message).catch((error: unknown) => this.fail(error));
      return;
    }
    const record = { entries: message.entries, hardState: hardStateOf(message), sync };
    const begun = this.#options.clock.now();
    this.#options.storage.log.append(record).then(
      () => {
        const { length } = message.entries;
        if (length > 0) this.#measure("log_append", length, this.#options.clock.now() - begun);
        this.#persisted(message);
      },
      (error: unknown) => this.fail(error),
    );
  }

  #persisted(message: Message): void {
    if (this.#stopped) return;
    try {
      const { memory } = this.#options.storage;
      if (message.entries.length > 0) memory.append(message.entries);
      const hardState = hardStateOf(message);
      if (hardState) memory.setHardState(hardState);
      this.#deliver(message.responses);
    } catch (error) {
      this.fail(error);
    }
  }

  /** The leader sent a snapshot, and its file is here: it replaces log and state. */
  async #restore(message: Message): Promise<void> {
    const snapshot = message.snapshot!;
    const { index, term, confState } = snapshot.metadata;
    const { log, memory, snapshots } = this.#options.storage;
    const { entries } = message;
    this.#applySome(Number.POSITIVE_INFINITY);
    await log.append({
      snapshot: { index, term },
      restart: true,
      entries,
      hardState: hardStateOf(message),
      sync: true,
    });
    memory.applySnapshot(snapshot);
    const members = membersOf(snapshot);
    await this.#options.stateMachine.restore(snapshots.state({ index, term }), { index, term });
    if (this.#stopped) return;
    this.#applier.at = { index, term };
    this.membership.reset(members, confState);
    const released = this.snapshotter.received({ index, term });
    this.#host.membersChanged();
    this.#host.restored(index, term);
    this.#persisted({ ...message, snapshot: null });
    const held = this.#held ?? [];
    this.#held = null;
    for (const one of held) this.#persist(one.message, one.sync);
    this.#host.applied(index);
    await released;
  }

  #announceChange(entry: Entry): void {
    const { id } = decodeChangeContext(decodeConfChange(entry.data, entry.type).context);
    if (id) this.#host.changeLogged(id);
  }

  #applySome(until: number): void {
    while (this.#toApply.length > 0) {
      this.#apply(this.#toApply.shift()!);
      if (this.#options.clock.now() >= until) break;
    }
    if (this.#toApply.length > 0) this.schedule();
  }

  #apply(message: Message): void {
    const bytes = this.#applier.apply(message.entries);
    this.#deliver(message.responses);
    this.#host.applied(this.applied);
    this.snapshotter.count(bytes);
    this.#maybeSnapshot();
  }

  #measure(what: "apply" | "log_append", entries: number, ms: number): void {
    this.#metrics?.observe(`${what}_seconds`, ms / 1000);
    this.#metrics?.observe(`${what}_entries`, entries);
  }

  #maybeSnapshot(): void {
    if (this.#held || this.#stopped) return;
    const { index, term } = this.#applier.at;
    this.snapshotter.maybe(index, () => {
      const { confState } = this.membership;
      return { index, term, confState, members: this.membership.list() };
    });
  }
}

/**
 * Why the core refuses a message and goes on: it came from a peer that was removed, or is none that
 * a member sends. One that shows that the logs have diverged (`diverged`) is the end.
 */
const HARMLESS: ReadonlySet<RaftErrorCode> = new Set(["step-peer-not-found", "invalid-message"]);

/** A storage message without a hard state has zeros in these. */
function hardStateOf({ term, vote, commit }: Message): HardState | null {
  return term === 0 && vote === 0 && commit === 0 ? null : { term, vote, commit };
}
