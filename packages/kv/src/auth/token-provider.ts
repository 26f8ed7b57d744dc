import type { AuthAction } from "../api/types.js";

/** Who a token stands for. */
export interface TokenOwner {
  readonly user: string;
  /** Revision of users and roles by which the token holds. */
  readonly revision: number;
}

/** Makes tokens and knows them again: etcd's `--auth-token`. */
export interface TokenProvider {
  /** What an `authenticate` command carries through the log. */
  prefix(): string;
  /** A change was applied at this place of the log: tokens begin, or those whom it concerns end. */
  changed(change: AuthAction, index: number): void;
  /** What a user who has authenticated gets; `token` is what the log made of the prefix. */
  issue(user: string, token: string, revision: number): string;
  /** Null for one that does not hold (any more). `revision` is the newest of users and roles. */
  owner(token: string, revision: number): TokenOwner | null;
  /** The entry of the log that a token is of; 0 when it is of none. */
  indexOf(token: string): number;
}

/** The token that an `authenticate` command at `index` makes of its prefix. */
export function tokenAt(prefix: string, index: number): string {
  return `${prefix}.${index}`;
}
