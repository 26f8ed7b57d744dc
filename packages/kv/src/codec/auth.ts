import { KvError } from "../api/errors.js";
import type { AuthAction, Bytes, PermissionType } from "../api/types.js";
import type { Reader } from "./reader.js";
import type { Writer } from "./writer.js";

/** By their number on the log: only ever added to. */
const ACTIONS: readonly AuthAction["action"][] = [
  "enable",
  "disable",
  "authenticate",
  "user-add",
  "user-delete",
  "user-password",
  "user-grant",
  "user-revoke",
  "role-add",
  "role-delete",
  "role-grant",
  "role-revoke",
];
const PERMISSIONS: readonly PermissionType[] = ["read", "write", "readwrite"];

/** Everything that one action or another has. */
interface Fields {
  action: number;
  user: string;
  role: string;
  /** A password's hash or a token. */
  secret: string;
  permission: number;
  key: Bytes;
  rangeEnd: Bytes;
}

/** A change of users and roles; not etcd's message, for the log is the store's own. */
export function writeAuthAction(writer: Writer, change: AuthAction): void {
  if (change.action === "role-grant") {
    const { type, key, rangeEnd } = change.permission;
    writer.bytes(7, rangeEnd);
    writer.bytes(6, key);
    writer.int(5, PERMISSIONS.indexOf(type));
  } else if (change.action === "role-revoke") {
    writer.bytes(7, change.rangeEnd);
    writer.bytes(6, change.key);
  }
  if ("passwordHash" in change) writer.string(4, change.passwordHash);
  else if ("token" in change) writer.string(4, change.token);
  if ("role" in change) writer.string(3, change.role);
  if ("user" in change) writer.string(2, change.user);
  writer.int(1, ACTIONS.indexOf(change.action));
}

export function readAuthAction(reader: Reader): AuthAction {
  const empty: Bytes = new Uint8Array(0);
  const fields: Fields = {
    action: 0,
    user: "",
    role: "",
    secret: "",
    permission: 0,
    key: empty,
    rangeEnd: empty,
  };
  while (reader.next()) readField(reader, fields);
  return actionOf(fields);
}

function readField(reader: Reader, fields: Fields): void {
  switch (reader.field) {
    case 1:
      fields.action = reader.int();
      return;
    case 2:
      fields.user = reader.string();
      return;
    case 3:
      fields.role = reader.string();
      return;
    case 4:
      fields.secret = reader.string();
      return;
    case 5:
      fields.permission = reader.int();
      return;
    case 6:
      fields.key = Uint8Array.from(reader.bytes());
      return;
    case 7:
      fields.rangeEnd = Uint8Array.from(reader.bytes());
      return;
    default:
      reader.skip();
  }
}

function actionOf({ user, role, secret, permission, key, rangeEnd, ...rest }: Fields): AuthAction {
  const action = ACTIONS[rest.action];
  switch (action) {
    case "enable":
    case "disable":
      return { action };
    case "authenticate":
      return { action, user, token: secret };
    case "user-add":
    case "user-password":
      return { action, user, passwordHash: secret };
    case "user-delete":
      return { action, user };
    case "user-grant":
    case "user-revoke":
      return { action, user, role };
    case "role-add":
    case "role-delete":
      return { action, role };
    case "role-grant": {
      const type = PERMISSIONS[permission];
      if (type === undefined) throw unknown(`permission ${permission}`);
      return { action, role, permission: { type, key, rangeEnd } };
    }
    case "role-revoke":
      return { action, role, key, rangeEnd };
    default:
      throw unknown(`change ${rest.action}`);
  }
}

function unknown(what: string): KvError {
  return new KvError("internal", `the log holds the unknown ${what} of users and roles`);
}
