import { setTimeout as sleep } from "node:timers/promises";
import { RaftError, type RaftErrorCode } from "@flotilla/raft";
import type { Member, WaitOptions } from "@flotilla/raft/node";
import { KvError } from "../api/errors.js";
import type { StoreMemberInfo } from "../member/types.js";
import type { Backend } from "./backend.js";
import { toKvError } from "./backend.js";
import type { RequestOptions } from "./kv-service.js";
import {
  addedMemberId,
  attributesOf,
  encodeAttributes,
  memberInfo,
  peerAddress,
  publicId,
} from "./member-record.js";

/** etcd's default of `--experimental-max-learners`. */
const LEARNERS_MAX = 1;

/** How long one attempt at a change of membership waits: the leader drops what comes at a bad time. */
const ATTEMPT_MS = 1000;
const RETRY_MS = 50;
/** Failures after which the same change may be asked for again. */
const AGAIN: ReadonlySet<RaftErrorCode> = new Set(["proposal-dropped", "proposal-uncertain"]);

/** etcd's Cluster service, free of any RPC library. Every method rejects with KvError. */
export class ClusterService {
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async list(linearizable: boolean, options?: RequestOptions): Promise<readonly StoreMemberInfo[]> {
    if (linearizable) await this.#backend.readBarrier(options?.signal);
    return this.#members();
  }

  /** Start the new member with these peer URLs and the state "existing". */
  async add(
    peerUrls: readonly string[],
    learner: boolean,
    options?: RequestOptions,
  ): Promise<{ readonly member: StoreMemberInfo; readonly members: readonly StoreMemberInfo[] }> {
    await this.#checkCaller(options);
    checkUrls(peerUrls);
    this.#checkNewUrls(peerUrls, undefined);
    if (learner && this.#backend.log.members().filter((m) => m.learner).length >= LEARNERS_MAX) {
      throw new KvError("too-many-learners");
    }
    const context = encodeAttributes({ name: "", peerUrls, clientUrls: [] });
    const id = addedMemberId(peerUrls, Date.now());
    const member = { id, address: peerAddress(peerUrls), context };
    const { log } = this.#backend;
    await this.#change(
      (options) => (learner ? log.addLearner(member, options) : log.addMember(member, options)),
      (members) => members.some((one) => one.id === id),
    );
    return { member: memberInfo({ ...member, learner }), members: this.#members() };
  }

  async remove(id: bigint, options?: RequestOptions): Promise<readonly StoreMemberInfo[]> {
    await this.#checkCaller(options);
    const member = this.#known(id);
    await this.#change(
      (options) => this.#backend.log.removeMember(member.id, options),
      (members) => members.every((one) => one.id !== member.id),
    );
    return this.#members();
  }

  async update(
    id: bigint,
    peerUrls: readonly string[],
    options?: RequestOptions,
  ): Promise<readonly StoreMemberInfo[]> {
    await this.#checkCaller(options);
    const member = this.#known(id);
    checkUrls(peerUrls);
    this.#checkNewUrls(peerUrls, member.id);
    const context = encodeAttributes({ ...attributesOf(member), peerUrls });
    const updated = { id: member.id, address: peerAddress(peerUrls), context };
    await this.#change(
      (options) => this.#backend.log.updateMember(updated, options),
      (members) => members.some((one) => one.id === member.id && hasUrls(one, peerUrls)),
    );
    return this.#members();
  }

  /** A learner becomes a voter, once it has nearly all of the leader's log. */
  async promote(id: bigint, options?: RequestOptions): Promise<readonly StoreMemberInfo[]> {
    await this.#checkCaller(options);
    const member = this.#known(id);
    if (!member.learner) throw new KvError("member-not-learner");
    await this.#change(
      (options) => this.#backend.log.promote(member.id, options),
      (members) => members.some((one) => one.id === member.id && !one.learner),
    );
    return this.#members();
  }

  #members(): readonly StoreMemberInfo[] {
    return this.#backend.log.members().map(memberInfo);
  }

  /** Only root may change who is a member. */
  async #checkCaller(options: RequestOptions | undefined): Promise<void> {
    this.#backend.checkNotLearner();
    await this.#backend.guard.checkAdmin(options?.caller);
  }

  #known(id: bigint): Member {
    const member = this.#backend.log.members().find((one) => publicId(one.id) === id);
    if (member === undefined) throw new KvError("member-not-found");
    return member;
  }

  #checkNewUrls(peerUrls: readonly string[], except: number | undefined): void {
    for (const member of this.#backend.log.members()) {
      if (member.id === except) continue;
      if (attributesOf(member).peerUrls.some((url) => peerUrls.includes(url))) {
        throw new KvError("peer-url-exists");
      }
    }
  }

  /**
   * Makes one change of membership. The log takes one at a time, and a member's own announcement of
   * its name is one: what was dropped is tried again until it shows among the members.
   */
  async #change(
    change: (options: WaitOptions) => Promise<unknown>,
    isDone: (members: readonly Member[]) => boolean,
  ): Promise<void> {
    const { log, limits } = this.#backend;
    const deadline = performance.now() + limits.requestTimeoutMs;
    for (;;) {
      try {
        await change({ signal: AbortSignal.timeout(ATTEMPT_MS) });
        return;
      } catch (error) {
        if (isDone(log.members())) return;
        const again = RaftError.is(error) && AGAIN.has(error.code);
        if (!again || performance.now() >= deadline) throw toKvError(error);
      }
      await sleep(RETRY_MS);
    }
  }
}

function checkUrls(urls: readonly string[]): void {
  const valid = (url: string): boolean =>
    /^https?:\/\/[^/]+:\d+\/?$/.test(url) && URL.canParse(url);
  if (urls.length === 0 || !urls.every(valid)) throw new KvError("bad-member-urls");
}

function hasUrls(member: Member, peerUrls: readonly string[]): boolean {
  return attributesOf(member).peerUrls.join() === peerUrls.join();
}
