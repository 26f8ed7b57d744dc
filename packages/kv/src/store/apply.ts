import { KvError } from "../api/errors.js";
import type { CommandResult, LeaseId, PlainCommand } from "../api/types.js";
import { checkCommand } from "./check.js";
import type { Keyspace } from "./keyspace.js";
import type { LeaseChange } from "./types.js";
import {
  applyDecided,
  applyDelete,
  applyPut,
  checkDecided,
  checkPutAgainst,
  decide,
} from "./write.js";

/** etcd's `MaxLeaseTTL`, in seconds. */
export const MAX_LEASE_TTL = 9_000_000_000;

type TellLease = ((change: LeaseChange) => void) | undefined;

/**
 * Applies one command: one revision if it changes keys, none if not. Throws KvError before anything
 * changed. The number of operations is not checked here: it is each server's own setting, and what
 * is in the log must do the same on all.
 */
export function applyCommand(
  keyspace: Keyspace,
  command: Exclude<PlainCommand, { type: "auth" }>,
  term: number,
  tellLease: TellLease,
): CommandResult {
  checkCommand(command, Number.POSITIVE_INFINITY);
  switch (command.type) {
    case "put": {
      checkPutAgainst(keyspace, command.request);
      const result = applyPut(keyspace, command.request);
      keyspace.commit();
      return { type: "put", revision: keyspace.revision, result };
    }
    case "delete": {
      const result = applyDelete(keyspace, command.request);
      keyspace.commit();
      return { type: "delete", revision: keyspace.revision, result };
    }
    case "txn": {
      const decided = decide(keyspace, command.request);
      checkDecided(keyspace, decided);
      const result = applyDecided(keyspace, decided);
      keyspace.commit();
      return { type: "txn", revision: keyspace.revision, result };
    }
    case "compact":
      return compact(keyspace, command.revision);
    case "lease-grant":
      return grant(keyspace, command.id, command.ttl, tellLease);
    case "lease-revoke":
      // An expiry that a deposed leader proposed: the lease may have been renewed by the next.
      if (command.term !== undefined && command.term !== term) throw new KvError("leader-changed");
      return revoke(keyspace, command.id, tellLease);
  }
}

function compact(keyspace: Keyspace, revision: number): CommandResult {
  if (revision <= keyspace.compactRevision) throw new KvError("compacted");
  if (revision > keyspace.revision) throw new KvError("future-revision");
  keyspace.compact(revision);
  return { type: "compact", revision: keyspace.revision };
}

function grant(keyspace: Keyspace, id: LeaseId, ttl: number, tell: TellLease): CommandResult {
  if (id === 0n) throw new KvError("lease-not-found");
  if (ttl > MAX_LEASE_TTL) throw new KvError("lease-ttl-too-large");
  if (keyspace.leases.has(id)) throw new KvError("lease-exists");
  keyspace.leases.grant(id, ttl);
  tell?.({ type: "granted", id, ttl });
  return { type: "lease-grant", revision: keyspace.revision, id, ttl };
}

/** The lease's keys go in one revision. */
function revoke(keyspace: Keyspace, id: LeaseId, tell: TellLease): CommandResult {
  if (!keyspace.leases.has(id)) throw new KvError("lease-not-found");
  for (const key of keyspace.leases.keys(id)) keyspace.remove(key);
  keyspace.commit();
  keyspace.leases.revoke(id);
  tell?.({ type: "revoked", id });
  return { type: "lease-revoke", revision: keyspace.revision };
}
