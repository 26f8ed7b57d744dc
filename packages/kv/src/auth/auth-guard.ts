import { KvError } from "../api/errors.js";
import type { Author, Bytes } from "../api/types.js";
import type { AuthState } from "./auth-state.js";
import { checkAdmin, checkRead, NOBODY, TRUSTED } from "./authorize.js";
import type { TokenProvider } from "./token-provider.js";

/** What a call tells of who makes it. */
export interface Caller {
  /** The first value of a header. */
  metadata(name: string): string | undefined;
  /** The common name of the caller's certificate, where that names a user. */
  readonly commonName: string | undefined;
}

/** What the guard needs of a member. */
export interface GuardedState {
  readonly auth: AuthState;
  readonly appliedIndex: number;
}

/** Finds out who calls, and refuses what they may not. Callers of the process itself are trusted. */
export class AuthGuard {
  readonly #store: GuardedState;
  readonly #tokens: TokenProvider;
  readonly #catchUp: (signal?: AbortSignal) => Promise<void>;

  /** `catchUp` resolves once everything committed is applied here. */
  constructor(
    store: GuardedState,
    tokens: TokenProvider,
    catchUp: (signal?: AbortSignal) => Promise<void>,
  ) {
    this.#store = store;
    this.#tokens = tokens;
    this.#catchUp = catchUp;
  }

  get enabled(): boolean {
    return this.#store.auth.enabled;
  }

  /**
   * Who makes a call: by its token, else by its certificate. Rejects with KvError `invalid-auth-token`.
   * A token that another member has just made is waited for.
   */
  async author(caller: Caller | undefined, signal?: AbortSignal): Promise<Author> {
    if (caller === undefined) return TRUSTED;
    if (!this.enabled) return NOBODY;
    const token = caller.metadata("token") ?? caller.metadata("authorization");
    if (token === undefined) return this.#byCertificate(caller);
    const index = this.#tokens.indexOf(token);
    if (index > this.#store.appliedIndex) await this.#catchUp(signal);
    const owner = this.#tokens.owner(token, this.#store.auth.revision);
    if (owner === null) throw new KvError("invalid-auth-token");
    return { ...owner, trusted: false };
  }

  async checkAdmin(caller: Caller | undefined): Promise<void> {
    if (!this.enabled || caller === undefined) return;
    checkAdmin(this.#store.auth, await this.author(caller));
  }

  /** To be called right before what is read is read, with nothing in between. */
  checkRead(author: Author, key: Bytes, rangeEnd?: Bytes): void {
    checkRead(this.#store.auth, author, key, rangeEnd);
  }

  #byCertificate({ commonName }: Caller): Author {
    if (commonName === undefined) return NOBODY;
    return { user: commonName, revision: this.#store.auth.revision, trusted: false };
  }
}
