import { randomInt } from "node:crypto";
import type { AuthAction } from "../api/types.js";
import { type TokenOwner, type TokenProvider, tokenAt } from "./token-provider.js";

const PREFIX_LENGTH = 16;
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
/** etcd's `--auth-token-ttl`. */
export const SIMPLE_TOKEN_TTL_MS = 300_000;
/** Tokens kept at most; the one unused for longest goes. */
const TOKENS_MAX = 100_000;

interface Token {
  readonly user: string;
  readonly expires: number;
}

/**
 * Random tokens that every member learns from the log, and each forgets by its own clock when they
 * were not used there for their time.
 */
export class SimpleTokens implements TokenProvider {
  readonly #ttlMs: number;
  readonly #now: () => number;
  /** The least recently used first. */
  readonly #tokens = new Map<string, Token>();

  constructor(ttlMs: number = SIMPLE_TOKEN_TTL_MS, now: () => number = () => performance.now()) {
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  prefix(): string {
    return Array.from({ length: PREFIX_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join("");
  }

  issue(_user: string, token: string): string {
    return token;
  }

  owner(token: string, revision: number): TokenOwner | null {
    const known = this.#tokens.get(token);
    if (known === undefined) return null;
    if (known.expires <= this.#now()) {
      this.#tokens.delete(token);
      return null;
    }
    this.#touch(token, known.user);
    return { user: known.user, revision };
  }

  indexOf(token: string): number {
    const index = /^[a-zA-Z]+\.(\d{1,15})$/.exec(token)?.[1];
    return index === undefined ? 0 : Number(index);
  }

  changed(change: AuthAction, index: number): void {
    if (change.action === "disable") this.#tokens.clear();
    else if (change.action === "authenticate") {
      this.#touch(tokenAt(change.token, index), change.user);
      const [oldest] = this.#tokens.keys();
      if (this.#tokens.size > TOKENS_MAX && oldest !== undefined) this.#tokens.delete(oldest);
    } else if (change.action === "user-delete" || change.action === "user-password") {
      for (const [token, { user }] of this.#tokens) {
        if (user === change.user) this.#tokens.delete(token);
      }
    }
  }

  #touch(token: string, user: string): void {
    this.#tokens.delete(token);
    this.#tokens.set(token, { user, expires: this.#now() + this.#ttlMs });
  }
}
