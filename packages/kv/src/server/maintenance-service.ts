import { KvError } from "../api/errors.js";
import type { Backend } from "./backend.js";
import { toKvError } from "./backend.js";
import { publicId } from "./member-record.js";

/** What a member tells of itself. */
export interface MemberStatus {
  readonly version: string;
  readonly dbSize: number;
  readonly dbSizeInUse: number;
  /** 0n while no leader is known. */
  readonly leader: bigint;
  readonly raftIndex: number;
  readonly raftTerm: number;
  readonly raftAppliedIndex: number;
  readonly learner: boolean;
  readonly errors: readonly string[];
}

/** etcd's Maintenance service, free of any RPC library. Methods throw or reject with KvError. */
export class MaintenanceService {
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Of this member alone; answered without a leader too. */
  status(): MemberStatus {
    const { store, log, limits, learner, version } = this.#backend;
    const status = log.status();
    const errors: string[] = [];
    if (status.leader === 0) errors.push(new KvError("no-leader").message);
    if (store.sizeBytes > limits.quotaBytes) errors.push(new KvError("no-space").message);
    if (status.diskFull === true) errors.push("the disk of the log is full");
    return {
      version,
      dbSize: store.sizeBytes,
      dbSizeInUse: store.sizeBytes,
      leader: publicId(status.leader),
      raftIndex: status.commit,
      raftTerm: status.term,
      raftAppliedIndex: status.applied,
      learner,
      errors,
    };
  }

  /** The same on every member at the same revision; 0 means the newest. */
  hashKv(revision: number): {
    readonly hash: number;
    readonly revision: number;
    readonly compactRevision: number;
  } {
    const { store } = this.#backend;
    return store.hash(revision > 0 ? revision : store.revision);
  }

  /** Only the leader can; resolves once the other one leads. */
  async moveLeader(target: bigint): Promise<void> {
    const { log } = this.#backend;
    if (!log.isLeader) throw new KvError("not-leader");
    const member = log.members().find((one) => publicId(one.id) === target);
    if (member === undefined || member.learner) throw new KvError("bad-leader-transferee");
    try {
      await log.transferLeadership(member.id);
    } catch (error) {
      throw new KvError("timeout", undefined, { cause: toKvError(error) });
    }
  }

  /** The whole state as of now, in the store's own format. */
  snapshot(): AsyncIterable<Uint8Array> {
    return this.#backend.store.snapshot();
  }
}
