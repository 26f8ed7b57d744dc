/** gRPC's status codes by name, as etcd uses them. */
export type StatusName =
  | "InvalidArgument"
  | "NotFound"
  | "OutOfRange"
  | "ResourceExhausted"
  | "FailedPrecondition"
  | "Unavailable"
  | "Unauthenticated"
  | "PermissionDenied"
  | "Unimplemented"
  | "Cancelled"
  | "DeadlineExceeded"
  | "DataLoss"
  | "Unknown"
  | "Internal";

/**
 * etcd's errors: clients match the message strings, so these are to the letter those of
 * `api/v3rpc/rpctypes/error.go`.
 */
export const KV_ERRORS = {
  "empty-key": ["InvalidArgument", "etcdserver: key is not provided"],
  "key-not-found": ["InvalidArgument", "etcdserver: key not found"],
  "value-provided": ["InvalidArgument", "etcdserver: value is provided"],
  "lease-provided": ["InvalidArgument", "etcdserver: lease is provided"],
  "too-many-ops": ["InvalidArgument", "etcdserver: too many operations in txn request"],
  "duplicate-key": ["InvalidArgument", "etcdserver: duplicate key given in txn request"],
  "request-too-large": ["InvalidArgument", "etcdserver: request is too large"],
  "invalid-sort-option": ["InvalidArgument", "etcdserver: invalid sort option"],
  compacted: ["OutOfRange", "etcdserver: mvcc: required revision has been compacted"],
  "future-revision": ["OutOfRange", "etcdserver: mvcc: required revision is a future revision"],
  "lease-ttl-too-large": ["OutOfRange", "etcdserver: too large lease TTL"],
  "no-space": ["ResourceExhausted", "etcdserver: mvcc: database space exceeded"],
  "too-many-requests": ["ResourceExhausted", "etcdserver: too many requests"],
  "lease-not-found": ["NotFound", "etcdserver: requested lease not found"],
  "member-not-found": ["NotFound", "etcdserver: member not found"],
  "lease-exists": ["FailedPrecondition", "etcdserver: lease already exists"],
  "no-leader": ["Unavailable", "etcdserver: no leader"],
  "not-leader": ["FailedPrecondition", "etcdserver: not leader"],
  "leader-changed": ["Unavailable", "etcdserver: leader changed"],
  timeout: ["Unavailable", "etcdserver: request timed out"],
  "timeout-leader-failure": [
    "Unavailable",
    "etcdserver: request timed out, possibly due to previous leader failure",
  ],
  stopped: ["Unavailable", "etcdserver: server stopped"],
  "learner-not-supported": ["Unavailable", "etcdserver: rpc not supported for learner"],
  "learner-not-ready": [
    "FailedPrecondition",
    "etcdserver: can only promote a learner member which is in sync with leader",
  ],
  "member-not-learner": ["FailedPrecondition", "etcdserver: can only promote a learner member"],
  "too-many-learners": ["FailedPrecondition", "etcdserver: too many learner members in cluster"],
  "member-exists": ["FailedPrecondition", "etcdserver: member ID already exist"],
  "peer-url-exists": ["FailedPrecondition", "etcdserver: Peer URLs already exists"],
  "bad-member-urls": ["InvalidArgument", "etcdserver: given member URLs are invalid"],
  "bad-leader-transferee": ["FailedPrecondition", "etcdserver: bad leader transferee"],
  "unhealthy-cluster": ["Unavailable", "etcdserver: unhealthy cluster"],
  "not-capable": ["Unavailable", "etcdserver: not capable"],
  corrupt: ["DataLoss", "etcdserver: corrupt cluster"],
  "session-expired": ["Unknown", "mutex: session is expired"],
  "not-elected": ["Unknown", "election: not leader"],
  "no-elected": ["Unknown", "election: no leader"],
  "leader-key-missing": ["Unknown", '"leader" field must be provided'],
  /** The JSON gateway's, with what is wrong as its message. */
  "bad-json": ["InvalidArgument", "invalid JSON"],
  "root-user-missing": ["FailedPrecondition", "etcdserver: root user does not exist"],
  "root-role-missing": ["FailedPrecondition", "etcdserver: root user does not have root role"],
  "user-exists": ["FailedPrecondition", "etcdserver: user name already exists"],
  "user-empty": ["InvalidArgument", "etcdserver: user name is empty"],
  "user-not-found": ["FailedPrecondition", "etcdserver: user name not found"],
  "role-exists": ["FailedPrecondition", "etcdserver: role name already exists"],
  "role-empty": ["InvalidArgument", "etcdserver: role name is empty"],
  "role-not-found": ["FailedPrecondition", "etcdserver: role name not found"],
  "auth-failed": [
    "InvalidArgument",
    "etcdserver: authentication failed, invalid user ID or password",
  ],
  "no-password-user": [
    "Unknown",
    "auth: authentication failed, password was given for no password user",
  ],
  "permission-not-given": ["InvalidArgument", "etcdserver: permission not given"],
  "permission-denied": ["PermissionDenied", "etcdserver: permission denied"],
  "role-not-granted": ["FailedPrecondition", "etcdserver: role is not granted to the user"],
  "permission-not-granted": [
    "FailedPrecondition",
    "etcdserver: permission is not granted to the role",
  ],
  "auth-not-enabled": ["FailedPrecondition", "etcdserver: authentication is not enabled"],
  "invalid-auth-token": ["Unauthenticated", "etcdserver: invalid auth token"],
  "invalid-auth-management": ["InvalidArgument", "etcdserver: invalid auth management"],
  "auth-old-revision": ["InvalidArgument", "etcdserver: revision of auth store is old"],
  /** etcd takes bcrypt's hashes here; this store's are scrypt's. */
  "password-hash-given": [
    "InvalidArgument",
    "etcdserver: a hashed password is not supported, give the password",
  ],
} as const;

export type KvErrorCode =
  | keyof typeof KV_ERRORS
  /** The other side cannot be reached, or an address not be used; the message says which and why. */
  | "unavailable"
  | "cancelled"
  | "internal"
  /** What a member was started with cannot be; the message names the option. */
  | "invalid-options"
  /** A data directory or peer belongs to another cluster or member; the message names it and the mend. */
  | "wrong-cluster";

const OTHER_STATUS = {
  unavailable: "Unavailable",
  cancelled: "Cancelled",
  internal: "Internal",
  "invalid-options": "InvalidArgument",
  "wrong-cluster": "FailedPrecondition",
} as const satisfies Record<Exclude<KvErrorCode, keyof typeof KV_ERRORS>, StatusName>;

const BRAND = Symbol.for("@flotilla/kv.KvError");

/**
 * The one error class of `@flotilla/kv`. `code` tells the case, `status` the gRPC status that goes
 * with it, `message` is etcd's own string.
 *
 * @example
 * ```ts
 * if (KvError.is(error) && error.code === "compacted") relist();
 * ```
 */
export class KvError extends Error {
  readonly code: KvErrorCode;
  readonly status: StatusName;

  constructor(code: KvErrorCode, message?: string, options?: ErrorOptions) {
    const known = code in KV_ERRORS ? KV_ERRORS[code as keyof typeof KV_ERRORS] : undefined;
    super(message ?? known?.[1] ?? code, options);
    Object.defineProperty(this, BRAND, { value: true });
    this.name = "KvError";
    this.code = code;
    this.status = known?.[0] ?? OTHER_STATUS[code as keyof typeof OTHER_STATUS];
  }

  /** True for a KvError of any copy of this package. */
  static is(error: unknown): error is KvError {
    return typeof error === "object" && error !== null && BRAND in error;
  }
}
