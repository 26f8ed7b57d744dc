import { KvError } from "../api/errors.js";
import type { AuthAction, Bytes, Permission } from "../api/types.js";
import { UserPermissions } from "./user-permissions.js";

/** etcd's name of the user and of the role that may everything. */
export const ROOT = "root";

interface User {
  /** Empty: no password opens it. */
  readonly passwordHash: string;
  /** In order. */
  readonly roles: readonly string[];
}

/** A user as the service tells of it. */
export interface UserRecord extends User {
  readonly name: string;
}

/** A role with its permissions, by key. */
export interface RoleRecord {
  readonly name: string;
  readonly permissions: readonly Permission[];
}

/**
 * Users, roles and whether they count: replicated like keys, deterministic, without a clock. The rules
 * and errors are those of etcd's `auth/store.go`.
 */
export class AuthState {
  readonly #users = new Map<string, User>();
  readonly #roles = new Map<string, readonly Permission[]>();
  /** What each user may do, until the next change. */
  readonly #permissions = new Map<string, UserPermissions>();
  #enabled = false;
  #revision = 1;

  get enabled(): boolean {
    return this.#enabled;
  }

  /** Grows with every change: what was decided by an older one is decided again. */
  get revision(): number {
    return this.#revision;
  }

  /** Nothing was ever changed. */
  get isPristine(): boolean {
    return this.#revision === 1 && !this.#enabled;
  }

  user(name: string): UserRecord | undefined {
    const user = this.#users.get(name);
    return user === undefined ? undefined : { name, ...user };
  }

  role(name: string): RoleRecord | undefined {
    const permissions = this.#roles.get(name);
    return permissions === undefined ? undefined : { name, permissions };
  }

  /** In order of name. */
  users(): UserRecord[] {
    return [...this.#users.keys()].sort().map((name) => this.user(name) as UserRecord);
  }

  roles(): RoleRecord[] {
    return [...this.#roles.keys()].sort().map((name) => this.role(name) as RoleRecord);
  }

  isRoot(name: string): boolean {
    return this.#users.get(name)?.roles.includes(ROOT) === true;
  }

  permissionsOf(name: string): UserPermissions {
    let permissions = this.#permissions.get(name);
    if (permissions === undefined) {
      const roles = this.#users.get(name)?.roles ?? [];
      permissions = new UserPermissions(roles.flatMap((role) => this.#roles.get(role) ?? []));
      this.#permissions.set(name, permissions);
    }
    return permissions;
  }

  /** Takes over what a snapshot tells beside users and roles, which come as actions. */
  settle(enabled: boolean, revision: number): void {
    this.#enabled = enabled;
    this.#revision = revision;
  }

  /** Makes a change. Throws KvError before anything changed. */
  apply(change: AuthAction): void {
    switch (change.action) {
      case "enable":
        this.#enable();
        return;
      case "disable":
        if (!this.#enabled) return;
        this.#enabled = false;
        break;
      case "authenticate":
        this.#checkLogin(change.user);
        return;
      case "user-add":
        this.#addUser(change.user, change.passwordHash);
        break;
      case "user-delete":
        this.#deleteUser(change.user);
        break;
      case "user-password":
        this.#users.set(change.user, {
          ...this.#known(change.user),
          passwordHash: change.passwordHash,
        });
        break;
      case "user-grant":
        if (!this.#grantRole(change.user, change.role)) return;
        break;
      case "user-revoke":
        this.#revokeRole(change.user, change.role);
        break;
      case "role-add":
        this.#addRole(change.role);
        break;
      case "role-delete":
        this.#deleteRole(change.role);
        break;
      case "role-grant":
        this.#grantPermission(change.role, change.permission);
        break;
      case "role-revoke":
        this.#revokePermission(change.role, change.key, change.rangeEnd);
        break;
    }
    this.#revision++;
    this.#permissions.clear();
  }

  #enable(): void {
    if (this.#enabled) return;
    if (!this.#users.has(ROOT)) throw new KvError("root-user-missing");
    if (!this.isRoot(ROOT)) throw new KvError("root-role-missing");
    this.#enabled = true;
    this.#permissions.clear();
  }

  #checkLogin(user: string): void {
    if (!this.#enabled) throw new KvError("auth-not-enabled");
    if (!this.#users.has(user)) throw new KvError("auth-failed");
  }

  #known(name: string): User {
    const user = this.#users.get(name);
    if (user === undefined) throw new KvError("user-not-found");
    return user;
  }

  #knownRole(name: string): readonly Permission[] {
    const permissions = this.#roles.get(name);
    if (permissions === undefined) throw new KvError("role-not-found");
    return permissions;
  }

  #addUser(name: string, passwordHash: string): void {
    if (name === "") throw new KvError("user-empty");
    if (this.#users.has(name)) throw new KvError("user-exists");
    this.#users.set(name, { passwordHash, roles: [] });
  }

  #deleteUser(name: string): void {
    if (this.#enabled && name === ROOT) throw new KvError("invalid-auth-management");
    this.#known(name);
    this.#users.delete(name);
  }

  /** False when the user has the role already, which is no change. */
  #grantRole(name: string, role: string): boolean {
    const user = this.#known(name);
    if (role !== ROOT) this.#knownRole(role);
    if (user.roles.includes(role)) return false;
    this.#users.set(name, { ...user, roles: [...user.roles, role].sort() });
    return true;
  }

  #revokeRole(name: string, role: string): void {
    if (this.#enabled && name === ROOT && role === ROOT) {
      throw new KvError("invalid-auth-management");
    }
    const user = this.#known(name);
    if (!user.roles.includes(role)) throw new KvError("role-not-granted");
    this.#users.set(name, { ...user, roles: user.roles.filter((one) => one !== role) });
  }

  #addRole(name: string): void {
    if (name === "") throw new KvError("role-empty");
    if (this.#roles.has(name)) throw new KvError("role-exists");
    this.#roles.set(name, []);
  }

  #deleteRole(name: string): void {
    if (this.#enabled && name === ROOT) throw new KvError("invalid-auth-management");
    this.#knownRole(name);
    this.#roles.delete(name);
    for (const [user, record] of this.#users) {
      if (!record.roles.includes(name)) continue;
      this.#users.set(user, { ...record, roles: record.roles.filter((one) => one !== name) });
    }
  }

  #grantPermission(role: string, permission: Permission): void {
    const { key, rangeEnd } = permission;
    const others = this.#knownRole(role).filter((one) => !isOf(one, key, rangeEnd));
    const sorted = [...others, permission].sort((a, b) => Buffer.compare(a.key, b.key));
    this.#roles.set(role, sorted);
  }

  #revokePermission(role: string, key: Bytes, rangeEnd: Bytes): void {
    const permissions = this.#knownRole(role);
    const left = permissions.filter((one) => !isOf(one, key, rangeEnd));
    if (left.length === permissions.length) throw new KvError("permission-not-granted");
    this.#roles.set(role, left);
  }
}

function isOf(permission: Permission, key: Bytes, rangeEnd: Bytes): boolean {
  return (
    Buffer.compare(permission.key, key) === 0 && Buffer.compare(permission.rangeEnd, rangeEnd) === 0
  );
}
