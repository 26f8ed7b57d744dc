import { KvError } from "../api/errors.js";
import type { AuthAction, Author, CommandResult, Permission } from "../api/types.js";
import { checkAdmin } from "../auth/authorize.js";
import { hashPassword, matchesPassword } from "../auth/passwords.js";
import type { TokenProvider } from "../auth/token-provider.js";
import type { Backend } from "./backend.js";
import type { RequestOptions } from "./kv-service.js";

type AuthResult = Extract<CommandResult, { type: "auth" }>;

/** How often a login is tried again because users or roles changed meanwhile. */
const LOGINS_MAX = 10;

/** etcd's Auth service, free of any RPC library. Every method rejects with KvError. */
export class AuthService {
  readonly #backend: Backend;
  readonly #tokens: TokenProvider;

  constructor(backend: Backend, tokens: TokenProvider) {
    this.#backend = backend;
    this.#tokens = tokens;
  }

  /** Makes a change of users and roles. */
  async change(change: AuthAction, options?: RequestOptions): Promise<AuthResult> {
    this.#backend.checkNotLearner();
    return await this.#backend.proposeFor({ type: "auth", change }, options);
  }

  /** `password` null: only a certificate opens the user. */
  async addUser(
    user: string,
    password: string | null,
    options?: RequestOptions,
  ): Promise<AuthResult> {
    if (user === "") throw new KvError("user-empty");
    const passwordHash = password === null ? "" : await hashPassword(password);
    return await this.change({ action: "user-add", user, passwordHash }, options);
  }

  async changePassword(
    user: string,
    password: string,
    options?: RequestOptions,
  ): Promise<AuthResult> {
    const passwordHash = await hashPassword(password);
    return await this.change({ action: "user-password", user, passwordHash }, options);
  }

  /**
   * A token for a user and password. The password is checked here and never in the log; should users
   * or roles change meanwhile, it is checked again.
   */
  async authenticate(user: string, password: string, options?: RequestOptions): Promise<string> {
    this.#backend.checkNotLearner();
    const { auth } = this.#backend.store;
    await this.#backend.readBarrier(options?.signal);
    for (let attempt = 0; attempt < LOGINS_MAX; attempt++) {
      const checked = await this.#checkPassword(user, password);
      const change = { action: "authenticate", user, token: this.#tokens.prefix() } as const;
      const { token } = await this.#backend.propose({ type: "auth", change }, options?.signal);
      if (this.#backend.store.auth.revision === checked) {
        return this.#tokens.issue(user, token, checked);
      }
    }
    throw new KvError(auth.enabled ? "auth-old-revision" : "auth-not-enabled");
  }

  async status(options?: RequestOptions): Promise<{ enabled: boolean; revision: number }> {
    await this.#reader(options);
    const { enabled, revision } = this.#backend.store.auth;
    return { enabled, revision };
  }

  /** A user's roles; everybody may ask for their own. */
  async userRoles(name: string, options?: RequestOptions): Promise<readonly string[]> {
    const author = await this.#reader(options);
    const { auth } = this.#backend.store;
    if (author.user !== name) checkAdmin(auth, author);
    const user = auth.user(name);
    if (user === undefined) throw new KvError("user-not-found");
    return user.roles;
  }

  async users(options?: RequestOptions): Promise<readonly string[]> {
    const author = await this.#reader(options);
    const { auth } = this.#backend.store;
    checkAdmin(auth, author);
    return auth.users().map(({ name }) => name);
  }

  /** A role's permissions; everybody may ask for the roles they have. */
  async permissions(name: string, options?: RequestOptions): Promise<readonly Permission[]> {
    const author = await this.#reader(options);
    const { auth } = this.#backend.store;
    if (auth.user(author.user)?.roles.includes(name) !== true) checkAdmin(auth, author);
    const role = auth.role(name);
    if (role === undefined) throw new KvError("role-not-found");
    return role.permissions;
  }

  async roles(options?: RequestOptions): Promise<readonly string[]> {
    const author = await this.#reader(options);
    const { auth } = this.#backend.store;
    checkAdmin(auth, author);
    return auth.roles().map(({ name }) => name);
  }

  /** Resolves, once everything committed is applied here, to who asks. */
  async #reader(options: RequestOptions | undefined): Promise<Author> {
    this.#backend.checkNotLearner();
    await this.#backend.readBarrier(options?.signal);
    return await this.#backend.guard.author(options?.caller, options?.signal);
  }

  /** Resolves to the revision by which the password holds. */
  async #checkPassword(name: string, password: string): Promise<number> {
    const { auth } = this.#backend.store;
    if (!auth.enabled) throw new KvError("auth-not-enabled");
    const user = auth.user(name);
    if (user === undefined) throw new KvError("auth-failed");
    if (user.passwordHash === "") throw new KvError("no-password-user");
    const { revision } = auth;
    if (!(await matchesPassword(password, user.passwordHash))) throw new KvError("auth-failed");
    return revision;
  }
}
