import type { GroupStatus, Member, WaitOptions } from "@flotilla/raft/node";
import type { Command, CommandResult } from "../api/types.js";

/**
 * What the services need of consensus: `RaftGroup` fulfils it. Rejections are RaftErrors;
 * {@link toKvError} makes etcd's of them.
 */
export interface ReplicatedLog {
  /** Resolves with the command's result once it is applied here. */
  propose(
    command: Command,
    options?: {
      readonly signal?: AbortSignal;
      readonly onlyAsLeader?: boolean;
      readonly term?: number;
    },
  ): Promise<CommandResult>;
  /** Resolves once everything committed before the call is applied here (ReadIndex, batched). */
  readBarrier(options?: { readonly signal?: AbortSignal }): Promise<unknown>;
  readonly isLeader: boolean;
  status(): GroupStatus;
  members(): readonly Member[];
  addMember(member: Omit<Member, "learner">, options?: WaitOptions): Promise<unknown>;
  addLearner(member: Omit<Member, "learner">, options?: WaitOptions): Promise<unknown>;
  promote(id: number, options?: WaitOptions): Promise<unknown>;
  removeMember(id: number, options?: WaitOptions): Promise<unknown>;
  updateMember(member: Omit<Member, "learner">, options?: WaitOptions): Promise<unknown>;
  transferLeadership(to: number): Promise<unknown>;
}
