import { fail } from "../invariant.js";
import type { Inflights } from "./inflights.js";

/** How the leader replicates to a member. */
export const ProgressState = {
  /** Where its log ends is unknown: one append a heartbeat, to find out. */
  Probe: 0,
  /** Its log is known to match: appends are pipelined. */
  Replicate: 1,
  /** It needs entries that were compacted away: no appends until the snapshot is in. */
  Snapshot: 2,
} as const;
export type ProgressState = (typeof ProgressState)[keyof typeof ProgressState];

/**
 * What the leader knows of one member's log. Invariant: match < next; the entries between them
 * are in flight.
 */
export class Progress {
  match = 0;
  next: number;
  state: ProgressState = ProgressState.Probe;
  /** Index of the snapshot being sent, in state Snapshot. */
  pendingSnapshot = 0;
  /** Heard from since the last quorum check; always true for the leader itself. */
  recentActive = false;
  /** Appends are held back until a heartbeat is answered. */
  appendsPaused = false;
  isLearner: boolean;
  readonly inflights: Inflights;
  /** The highest commit index that is on its way to the member. */
  #sentCommit = 0;

  constructor(next: number, inflights: Inflights, isLearner: boolean) {
    this.next = next;
    this.inflights = inflights;
    this.isLearner = isLearner;
  }

  /** A copy that shares the window of appends in flight: only one of the two lives on. */
  clone(): Progress {
    const copy = new Progress(this.next, this.inflights, this.isLearner);
    copy.match = this.match;
    copy.state = this.state;
    copy.pendingSnapshot = this.pendingSnapshot;
    copy.recentActive = this.recentActive;
    copy.appendsPaused = this.appendsPaused;
    copy.#sentCommit = this.#sentCommit;
    return copy;
  }

  /** Forgets what an earlier leadership knew. */
  reset(next: number): void {
    this.#enter(ProgressState.Probe);
    this.match = 0;
    this.next = next;
    this.recentActive = false;
    this.#sentCommit = 0;
  }

  #enter(state: ProgressState): void {
    this.appendsPaused = false;
    this.pendingSnapshot = 0;
    this.state = state;
    this.inflights.reset();
  }

  becomeProbe(): void {
    // A snapshot that was sent in full is where the next probe starts from.
    const known =
      this.state === ProgressState.Snapshot
        ? Math.max(this.match, this.pendingSnapshot)
        : this.match;
    this.#enter(ProgressState.Probe);
    this.next = known + 1;
    this.#lowerSentCommit();
  }

  becomeReplicate(): void {
    this.#enter(ProgressState.Replicate);
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.#enter(ProgressState.Snapshot);
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.#sentCommit = index;
  }

  /** Notes that an append with so many entries and bytes of data left. */
  sentEntries(count: number, bytes: number): void {
    switch (this.state) {
      case ProgressState.Replicate:
        if (count > 0) {
          this.next += count;
          this.inflights.add(this.next - 1, bytes);
        }
        // With a full window the message also serves as a probe: the next waits for an answer.
        this.appendsPaused = this.inflights.full;
        return;
      case ProgressState.Probe:
        if (count > 0) this.appendsPaused = true;
        return;
      default:
        fail("append sent to a member that waits for a snapshot");
    }
  }

  /** True when telling the member of `commit` could move its commit index. */
  canBumpCommit(commit: number): boolean {
    return commit > this.#sentCommit && this.#sentCommit < this.next - 1;
  }

  sentCommit(commit: number): void {
    this.#sentCommit = commit;
  }

  /** The member acknowledged everything up to `index`; false when that is no news. */
  maybeUpdate(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.appendsPaused = false;
    return true;
  }

  /**
   * The member refused an append that followed `rejected`; `hint` is where its log may match.
   * False when the refusal is stale.
   */
  maybeDecrease(rejected: number, hint: number): boolean {
    if (this.state === ProgressState.Replicate) {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
      this.#lowerSentCommit();
      return true;
    }
    // Others are probed one append at a time, so any other index is of an earlier probe.
    if (this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
    this.#lowerSentCommit();
    this.appendsPaused = false;
    return true;
  }

  get paused(): boolean {
    return this.state === ProgressState.Snapshot || this.appendsPaused;
  }

  #lowerSentCommit(): void {
    this.#sentCommit = Math.min(this.#sentCommit, this.next - 1);
  }
}
