import { EventEmitter, once } from "node:events";
import type { RaftGroup } from "@flotilla/raft/node";
import { KvError } from "../api/errors.js";
import type { Command, CommandResult } from "../api/types.js";
import type { KeyValue } from "../client/key-value.js";
import type { Backend } from "../server/backend.js";
import { toKvError } from "../server/backend.js";
import type { GrpcBinding } from "../server/grpc-binding.js";
import type { MemberAttributes } from "../server/member-record.js";
import {
  attributesOf,
  consensusId,
  encodeAttributes,
  memberInfo,
  peerAddress,
  publicId,
} from "../server/member-record.js";
import type { Services } from "../server/services.js";
import type { AutoCompaction } from "./auto-compaction.js";
import { Expiry } from "./expiry.js";
import type { LeaderClient } from "./leader-client.js";
import { LocalKeyValue } from "./local-key-value.js";
import type { StoreMember, StoreStatus } from "./types.js";

/** Between two attempts to publish the member's attributes at most, in milliseconds: drawn anew each time. */
const PUBLISH_RETRY_MS = 200;
/** How long one attempt waits: the leader drops a change of membership while another is under way. */
const PUBLISH_TIMEOUT_MS = 500;

/** What `startMember` has made. */
export interface MemberParts {
  readonly group: RaftGroup<Command, CommandResult>;
  readonly backend: Backend;
  readonly services: Services;
  readonly binding: GrpcBinding;
  readonly compaction: AutoCompaction | null;
  readonly leaderClient: LeaderClient;
  readonly attributes: MemberAttributes;
}

/** A member whose parts run: follows leadership, publishes itself, and takes everything down in order. */
export class RunningMember implements StoreMember {
  readonly name: string;
  readonly memberId: bigint;
  readonly clusterId: bigint;
  readonly clientUrls: readonly string[];
  readonly peerUrls: readonly string[];
  readonly local: KeyValue;
  readonly failed: Promise<never>;
  readonly #parts: MemberParts;
  readonly #expiry: Expiry;
  readonly #events = new EventEmitter();
  #stopping: Promise<void> | null = null;

  constructor(parts: MemberParts) {
    const { backend, services, attributes, group } = parts;
    this.#parts = parts;
    this.name = attributes.name;
    this.memberId = backend.memberId;
    this.clusterId = backend.clusterId;
    this.clientUrls = attributes.clientUrls;
    this.peerUrls = attributes.peerUrls;
    this.local = new LocalKeyValue(backend, services.kv, services.lease);
    this.#expiry = new Expiry(backend);
    this.#events.setMaxListeners(0);
    this.failed = new Promise<never>((_, reject) => {
      group.on("fatal", (error) => reject(toKvError(error)));
    });
    // Who does not look at it must not be ended by it: every call tells of the failure too.
    this.failed.catch(() => {});
    group.on("leader", (leader, term) => this.#leaderChanged(leader, term));
    group.on("members", () => this.#membersChanged());
    this.#membersChanged();
    const { leader, term } = group.status();
    this.#leaderChanged(leader, term);
    this.#publish();
  }

  status(): StoreStatus {
    const { group, backend } = this.#parts;
    const { leader, term, commit, applied } = group.status();
    return {
      leader: publicId(leader),
      isLeader: group.isLeader,
      raftTerm: term,
      raftIndex: commit,
      raftAppliedIndex: applied,
      revision: backend.store.revision,
      dbSize: backend.store.sizeBytes,
      members: group.members().map(memberInfo),
    };
  }

  async ready(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { backend } = this.#parts;
    while (backend.leadership.leader === 0) {
      if (this.#stopping !== null) throw new KvError("stopped");
      const changed = once(this.#events, "change", options).catch((error: unknown) => {
        throw new KvError("cancelled", "the wait for a leader was aborted", { cause: error });
      });
      await Promise.race([changed, this.failed]);
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Leadership first, so that the others go on at once; then clients, so that none sees half a member. */
  async #stop(): Promise<void> {
    const { backend, binding, leaderClient, group } = this.#parts;
    this.#events.emit("change");
    await this.#handOver();
    this.#expiry.stop();
    this.#parts.compaction?.stop();
    backend.hub.close();
    backend.leadership.close();
    leaderClient.close();
    await binding.stop();
    await group.close();
  }

  /** Gives leadership to the first voter that takes it; the group's own bound on a try is two elections. */
  async #handOver(): Promise<void> {
    const { group } = this.#parts;
    for (const { id, learner } of group.members()) {
      if (!group.isLeader) return;
      if (learner || publicId(id) === this.memberId) continue;
      try {
        await group.transferLeadership(id);
      } catch {
        // It is down too, or behind: the next one may not be.
      }
    }
  }

  #leaderChanged(leader: number, term: number): void {
    const { backend, group } = this.#parts;
    backend.leadership.changed(leader);
    this.#expiry.leaderChanged(group.isLeader, term);
    this.#events.emit("change");
  }

  #membersChanged(): void {
    const { backend, group } = this.#parts;
    const self = group.members().find(({ id }) => publicId(id) === this.memberId);
    backend.learner = self?.learner === true;
  }

  /** Makes the group know this member's name and URLs; tried until it does. */
  async #publish(): Promise<void> {
    const { group, attributes } = this.#parts;
    const id = consensusId(this.memberId);
    const context = encodeAttributes(attributes);
    const address = peerAddress(attributes.peerUrls);
    while (this.#stopping === null) {
      const known = group.members().find((member) => member.id === id);
      const published = known === undefined ? null : attributesOf(known);
      if (published !== null && JSON.stringify(published) === JSON.stringify(attributes)) return;
      try {
        await this.ready();
        // One that is still being told of the group does not know itself yet.
        if (published !== null) {
          const signal = AbortSignal.timeout(PUBLISH_TIMEOUT_MS);
          await group.updateMember({ id, address, context }, { signal });
        }
      } catch {
        // No leader, or another change of membership is under way.
      }
      const pauseMs = PUBLISH_RETRY_MS * Math.random();
      await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
    }
  }
}
