import type { ProgressDefaults } from "./conf-change/changer.js";
import { restoreConfiguration } from "./conf-change/restore.js";
import type { ResolvedConfig } from "./config.js";
import { RaftError } from "./errors.js";
import { fail } from "./invariant.js";
import { NO_DATA, payloadSize } from "./log/entry.js";
import { RaftLog } from "./log/log.js";
import { draft, type MessageDraft } from "./message.js";
import { Lease } from "./reads/lease.js";
import { ReadOnly } from "./reads/read-only.js";
import { Tracker } from "./tracker/tracker.js";
import {
  type Entry,
  EntryType,
  type HardState,
  type Message,
  MessageType,
  NONE,
  type NodeId,
  type ReadState,
  Role,
} from "./types.js";

const NEW_TERM: readonly Entry[] = [{ term: 0, index: 0, type: EntryType.Normal, data: NO_DATA }];

/**
 * The state of one member and the transitions between its roles. What a message does to it stands
 * in `step/`, what time does in `step/tick.ts`; `RawNode` is its shell.
 */
export class Raft {
  readonly id: NodeId;
  readonly config: ResolvedConfig;
  readonly log: RaftLog;
  readonly tracker: Tracker = new Tracker();

  term = 0;
  vote: NodeId = NONE;
  role: Role = Role.Follower;
  lead: NodeId = NONE;
  /** To whom leadership is being handed over. */
  leadTransferee: NodeId = NONE;
  /** No configuration change may be proposed until this index is applied. */
  pendingConfIndex = 0;
  /** Index of the last snapshot taken over: configuration changes up to it are in it. */
  restoredIndex = 0;
  /** Bytes of data that were appended in this leadership and not yet applied; may be too low, never too high. */
  uncommittedSize = 0;

  /** See `Config.priority`. */
  priority: number;

  electionElapsed = 0;
  heartbeatElapsed = 0;
  randomizedElectionTimeout = 0;

  lease: Lease = new Lease();
  /** With reads under a lease: ticks left in which this member elects nobody. */
  promisedTicks = 0;
  readOnly: ReadOnly = new ReadOnly();
  /** Reads that came before the first commit of this term. */
  pendingReads: Message[] = [];
  readStates: ReadState[] = [];
  /** To be sent as soon as the application likes. */
  messages: Message[] = [];
  /** To be sent, or delivered to this member, once all that is unstable now is durable. */
  messagesAfterAppend: Message[] = [];

  constructor(config: ResolvedConfig) {
    this.id = config.id;
    this.config = config;
    this.priority = config.priority;
    this.log = new RaftLog(config.storage, config.maxCommittedSizePerReady);
    const { hardState, confState } = config.storage.initialState();
    const { membership, progress } = restoreConfiguration(confState, this.progressDefaults());
    this.tracker.switchTo(membership, progress);
    this.#load(hardState);
    this.becomeFollower(this.term, NONE);
    // A promise from before a restart may still be counted on.
    this.promise();
  }

  /** A leader is heard of: its lease may count on this member for an election timeout. */
  promise(): void {
    if (this.config.readOnly === "lease") this.promisedTicks = this.config.electionTick;
  }

  /** True while reads need no round; see {@link Lease}. */
  get holdsLease(): boolean {
    if (this.role !== Role.Leader || this.config.readOnly !== "lease") return false;
    return this.lease.holds(this.config.electionTick);
  }

  #load({ term, vote, commit }: HardState): void {
    // What is in a snapshot or was applied is committed, even when the crash came before the
    // commit index was durable.
    const known = Math.max(commit, this.log.committed, this.config.applied);
    if (known > this.log.lastIndex()) {
      const last = this.log.lastIndex();
      throw new RaftError(
        "corrupt",
        `the log ends at ${last}, before ${known}, which is committed`,
      );
    }
    this.log.committed = known;
    this.term = term;
    this.vote = vote;
    if (this.config.applied > this.log.applied) this.log.appliedTo(this.config.applied, 0);
  }

  progressDefaults(lastIndex: number = this.log.lastIndex()): ProgressDefaults {
    const { maxInflightMsgs, maxInflightBytes } = this.config;
    return { lastIndex, maxInflightMsgs, maxInflightBytes };
  }

  /** A voter with a complete log may stand for election. */
  get promotable(): boolean {
    const progress = this.tracker.get(this.id);
    return progress !== undefined && !progress.isLearner && !this.log.restoring;
  }

  get committedInCurrentTerm(): boolean {
    return this.log.matches(this.log.committed, this.term);
  }

  /**
   * Queues a message. Votes and acknowledgements say what must not be forgotten, so they wait
   * until the state they speak of is durable (dissertation, section 3.8); refusals wait as well.
   */
  send(message: MessageDraft): void {
    const { type } = message;
    if (message.from === NONE) message.from = this.id;
    const isVote =
      type === MessageType.Vote ||
      type === MessageType.VoteResp ||
      type === MessageType.PreVote ||
      type === MessageType.PreVoteResp;
    if (isVote) {
      // A member that knows of no term yet can refuse one.
      if (message.term === 0 && !message.reject) fail("a vote was sent without its term");
    } else {
      if (message.term !== 0) fail(`message ${type} was given a term before it was sent`);
      // Proposals and reads are forwarded like local messages: they belong to no term.
      if (type !== MessageType.Prop && type !== MessageType.ReadIndex) message.term = this.term;
    }
    if (
      type === MessageType.AppResp ||
      type === MessageType.VoteResp ||
      type === MessageType.PreVoteResp
    ) {
      this.messagesAfterAppend.push(message);
      return;
    }
    if (message.to === this.id) fail(`message ${type} was sent to its sender`);
    this.messages.push(message);
  }

  /**
   * Appends entries to the leader's log; false when that would exceed the quota on uncommitted
   * data. An empty tail takes an entry of any size, and empty entries always fit.
   */
  appendEntries(entries: readonly Entry[]): boolean {
    const size = payloadSize(entries);
    const used = this.uncommittedSize;
    if (used > 0 && size > 0 && used + size > this.config.maxUncommittedSize) return false;
    this.uncommittedSize = used + size;

    const first = this.log.lastIndex() + 1;
    const appended: Entry[] = [];
    for (let i = 0; i < entries.length; i++) {
      const { type, data } = entries[i]!;
      appended.push({ term: this.term, index: first + i, type, data });
    }
    if (!Number.isSafeInteger(first + entries.length)) fail("the log is full");
    this.log.append(appended);
    // The leader counts itself only when its own write is durable.
    const ack = draft(MessageType.AppResp, this.id);
    ack.index = this.log.lastIndex();
    this.send(ack);
    return true;
  }

  /** Advances the leader's commit index to what a quorum holds; true when it moved. */
  maybeCommit(): boolean {
    return this.log.maybeCommit(this.tracker.committed(), this.term);
  }

  reduceUncommittedSize(size: number): void {
    this.uncommittedSize = Math.max(0, this.uncommittedSize - size);
  }

  becomeFollower(term: number, lead: NodeId): void {
    this.#reset(term);
    this.lead = lead;
    this.role = Role.Follower;
  }

  becomeCandidate(): void {
    if (this.role === Role.Leader) fail("a leader became candidate");
    this.#reset(this.term + 1);
    this.vote = this.id;
    this.role = Role.Candidate;
  }

  /** Neither term nor vote change: nothing happens to the group if the pre-vote is lost. */
  becomePreCandidate(): void {
    if (this.role === Role.Leader) fail("a leader became pre-candidate");
    this.tracker.votes.clear();
    this.lead = NONE;
    this.role = Role.PreCandidate;
  }

  becomeLeader(): void {
    if (this.role === Role.Follower) fail("a follower became leader");
    this.#reset(this.term);
    this.lead = this.id;
    this.role = Role.Leader;
    const own = this.tracker.get(this.id);
    if (own === undefined) fail("a member that is not in the configuration became leader");
    own.becomeReplicate();
    own.recentActive = true;
    // Some entry of the tail may be a configuration change: none may be proposed before it is
    // applied (errata of the dissertation's single-server changes).
    this.pendingConfIndex = this.log.lastIndex();
    if (!this.appendEntries(NEW_TERM)) fail("the mark of a new term was refused");
  }

  #reset(term: number): void {
    if (term < this.term) fail(`term went back from ${this.term} to ${term}`);
    if (this.term !== term) {
      this.term = term;
      this.vote = NONE;
    }
    this.lead = NONE;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    const { electionTick, random } = this.config;
    this.randomizedElectionTimeout = electionTick + random(electionTick);
    this.leadTransferee = NONE;
    this.tracker.votes.clear();
    const last = this.log.lastIndex();
    for (const id of this.tracker.ids) {
      const progress = this.tracker.get(id)!;
      progress.reset(last + 1);
      if (id === this.id) progress.match = last;
    }
    this.pendingConfIndex = 0;
    this.uncommittedSize = 0;
    this.lease = new Lease();
    this.readOnly = new ReadOnly();
    this.pendingReads = [];
  }
}
