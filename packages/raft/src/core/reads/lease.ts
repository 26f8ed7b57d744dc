/**
 * Share of an election timeout that a lease lasts, after a tick on either side: members' ticks may
 * differ in length by 5 %.
 */
const LEASE_SHARE = 0.9;

/**
 * A leader's lease (Raft dissertation, section 6.4.1): a quorum has promised to elect nobody else
 * for an election timeout from when it heard the leader, so that until then reads need no round. It
 * is counted in ticks, and from when the round was sent that the quorum has answered.
 *
 * etcd takes every leader with a quorum check for one with a lease. That is not enough, whatever the
 * clocks: the check looks back over a whole election timeout, and a member that was restarted, told
 * to campaign, or handed leadership by this very leader, keeps to no promise.
 */
export class Lease {
  /** Ticks of this leadership. */
  #now = 0;
  /** When the newest round that a quorum has answered was sent. */
  #renewed = Number.NEGATIVE_INFINITY;
  #givenUp = false;

  get now(): number {
    return this.#now;
  }

  tick(): void {
    this.#now++;
  }

  /** A quorum has answered a round that was sent at this tick. */
  renew(sent: number): void {
    this.#renewed = Math.max(this.#renewed, sent);
  }

  /** Another member was told to take over, which it may do at any time in this term. */
  giveUp(): void {
    this.#givenUp = true;
  }

  /** True while nobody else can have been elected. */
  holds(electionTick: number): boolean {
    const elapsed = this.#now - this.#renewed;
    return !this.#givenUp && elapsed + 1 <= (electionTick - 1) * LEASE_SHARE;
  }
}
