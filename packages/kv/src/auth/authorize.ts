import { KvError } from "../api/errors.js";
import type {
  Author,
  Bytes,
  Command,
  LeaseId,
  PlainCommand,
  PutRequest,
  RequestOp,
  TxnRequest,
} from "../api/types.js";
import type { AuthState } from "./auth-state.js";

/** Whoever has not told who they are. */
export const NOBODY: Author = { user: "", revision: 0, trusted: false };
/** The process that the store is embedded in. */
export const TRUSTED: Author = { user: "", revision: 0, trusted: true };

/** The keys that hang on a lease; none when there is no such lease. */
type KeysOfLease = (id: LeaseId) => readonly Bytes[];

/**
 * Whether a command may run, by the state at its place in the log: what was permitted when it was
 * proposed counts for nothing. Throws KvError. Free while authentication is off.
 */
export function authorize(auth: AuthState, command: Command, keysOf: KeysOfLease): void {
  if (!auth.enabled) return;
  const [author, plain] =
    command.type === "authored" ? [command.author, command.command] : [NOBODY, command];
  if (author.trusted) return;
  authorizePlain(auth, author, plain, keysOf);
}

function authorizePlain(
  auth: AuthState,
  author: Author,
  command: PlainCommand,
  keysOf: KeysOfLease,
): void {
  switch (command.type) {
    case "put":
      checkPut(auth, author, command.request, keysOf);
      return;
    case "delete": {
      const { key, rangeEnd, prevKv } = command.request;
      checkWrite(auth, author, key, rangeEnd);
      if (prevKv) checkRead(auth, author, key, rangeEnd);
      return;
    }
    case "txn":
      checkTxn(auth, author, command.request, keysOf);
      return;
    case "lease-revoke":
      // One with a term is the leader's own: the lease has run out.
      if (command.term === undefined) checkLease(auth, author, command.id, keysOf);
      return;
    case "auth":
      if (command.change.action !== "authenticate") checkAdmin(auth, author);
      return;
    default:
      // As etcd: whoever is let in may grant leases and compact.
      return;
  }
}

/** The user must have the root role. Throws KvError. */
export function checkAdmin(auth: AuthState, author: Author): void {
  if (!auth.enabled || author.trusted) return;
  if (author.user === "") throw new KvError("user-empty");
  if (auth.user(author.user) === undefined) throw new KvError("user-not-found");
  if (!auth.isRoot(author.user)) throw new KvError("permission-denied");
}

export function checkRead(
  auth: AuthState,
  author: Author,
  key: Bytes,
  rangeEnd: Bytes | undefined,
): void {
  if (mayEverything(auth, author)) return;
  if (!auth.permissionsOf(author.user).mayRead(key, rangeEnd)) {
    throw new KvError("permission-denied");
  }
}

function checkWrite(
  auth: AuthState,
  author: Author,
  key: Bytes,
  rangeEnd: Bytes | undefined,
): void {
  if (mayEverything(auth, author)) return;
  if (!auth.permissionsOf(author.user).mayWrite(key, rangeEnd)) {
    throw new KvError("permission-denied");
  }
}

/** Throws for those who may nothing at all. */
function mayEverything(auth: AuthState, author: Author): boolean {
  if (!auth.enabled || author.trusted) return true;
  if (author.revision === 0) throw new KvError("user-empty");
  if (author.revision < auth.revision) throw new KvError("auth-old-revision");
  if (auth.user(author.user) === undefined) throw new KvError("permission-denied");
  return auth.isRoot(author.user);
}

/**
 * A lease whose keys the user may not write could not be revoked by them: they shall not hang
 * another key on it.
 */
function checkPut(auth: AuthState, author: Author, request: PutRequest, keysOf: KeysOfLease): void {
  checkWrite(auth, author, request.key, undefined);
  if (request.lease !== undefined) checkLease(auth, author, request.lease, keysOf);
  if (request.prevKv) checkRead(auth, author, request.key, undefined);
}

function checkLease(auth: AuthState, author: Author, id: LeaseId, keysOf: KeysOfLease): void {
  for (const key of keysOf(id)) checkWrite(auth, author, key, undefined);
}

/** Conditions are reads; both branches count, whichever will run. */
function checkTxn(auth: AuthState, author: Author, request: TxnRequest, keysOf: KeysOfLease): void {
  for (const { key, rangeEnd } of request.compare) checkRead(auth, author, key, rangeEnd);
  for (const op of request.success) checkOp(auth, author, op, keysOf);
  for (const op of request.failure) checkOp(auth, author, op, keysOf);
}

function checkOp(auth: AuthState, author: Author, op: RequestOp, keysOf: KeysOfLease): void {
  if (op.type === "txn") checkTxn(auth, author, op.request, keysOf);
  else if (op.type === "put") checkPut(auth, author, op.request, keysOf);
  else if (op.type === "range") checkRead(auth, author, op.request.key, op.request.rangeEnd);
  else {
    if (op.request.prevKv) checkRead(auth, author, op.request.key, op.request.rangeEnd);
    checkWrite(auth, author, op.request.key, op.request.rangeEnd);
  }
}
