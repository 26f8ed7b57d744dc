import type { AuthAction } from "../api/types.js";
import { encode, Reader, readAuthAction, writeAuthAction } from "../codec/index.js";
import { AuthState } from "./auth-state.js";

/**
 * Users and roles for a snapshot: first whether they count and their revision, then the changes that
 * make them from nothing. Empty when there never were any.
 */
export function saveAuth(auth: AuthState): readonly Uint8Array[] {
  if (auth.isPristine) return [];
  const head = Buffer.alloc(9);
  head.writeUInt8(auth.enabled ? 1 : 0);
  head.writeDoubleLE(auth.revision, 1);
  return [head, ...actionsOf(auth).map((change) => encode(writeAuthAction, change))];
}

function actionsOf(auth: AuthState): AuthAction[] {
  const roles = auth
    .roles()
    .flatMap(({ name, permissions }): AuthAction[] => [
      { action: "role-add", role: name },
      ...permissions.map(
        (permission): AuthAction => ({ action: "role-grant", role: name, permission }),
      ),
    ]);
  const users = auth
    .users()
    .flatMap(({ name, passwordHash, roles: granted }): AuthAction[] => [
      { action: "user-add", user: name, passwordHash },
      ...granted.map((role): AuthAction => ({ action: "user-grant", user: name, role })),
    ]);
  return [...roles, ...users];
}

/** What {@link saveAuth} has saved. */
export function loadAuth(records: readonly Uint8Array[]): AuthState {
  const auth = new AuthState();
  const [head, ...changes] = records;
  if (head === undefined) return auth;
  for (const change of changes) auth.apply(readAuthAction(new Reader(change)));
  const fields = Buffer.from(head);
  auth.settle(fields.readUInt8() === 1, fields.readDoubleLE(1));
  return auth;
}
