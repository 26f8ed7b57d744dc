import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { KvError } from "../api/errors.js";
import type { AuthAction, Permission, PermissionType } from "../api/types.js";
import { encode, writeHeaderOnly } from "../codec/index.js";
import * as authpb from "../gen/authpb/auth_pb.js";
import * as pb from "../gen/etcdserverpb/rpc_pb.js";
import type { AuthService } from "./auth-service.js";
import type { Backend } from "./backend.js";
import type { RpcMethod } from "./rpc.js";
import { readMessage, unary, wireHeader } from "./rpc-pb.js";

type WireHeader = MessageInitShape<typeof pb.ResponseHeaderSchema>;

const TYPES: Readonly<Record<authpb.Permission_Type, PermissionType>> = {
  [authpb.Permission_Type.READ]: "read",
  [authpb.Permission_Type.WRITE]: "write",
  [authpb.Permission_Type.READWRITE]: "readwrite",
};
const WIRE_TYPES: Readonly<Record<PermissionType, authpb.Permission_Type>> = {
  read: authpb.Permission_Type.READ,
  write: authpb.Permission_Type.WRITE,
  readwrite: authpb.Permission_Type.READWRITE,
};

const at = (method: string): string => `/etcdserverpb.Auth/${method}`;

/** etcd's Auth service by path. */
export function authMethods(backend: Backend, auth: AuthService): readonly RpcMethod[] {
  return [
    ...switchMethods(backend, auth),
    ...userMethods(backend, auth),
    ...roleMethods(backend, auth),
  ];
}

const headerOf = (backend: Backend): WireHeader => wireHeader(backend.header());

/** A method that makes one change and answers with nothing but a header. */
function changes<Q extends DescMessage>(
  backend: Backend,
  auth: AuthService,
  method: string,
  request: Q,
  changeOf: (request: MessageShape<Q>) => AuthAction,
): RpcMethod {
  return {
    kind: "unary",
    path: at(method),
    handle: async (bytes, caller) => {
      await auth.change(changeOf(readMessage(request, bytes)), { caller });
      return encode(writeHeaderOnly, backend.header());
    },
  };
}

function switchMethods(backend: Backend, auth: AuthService): readonly RpcMethod[] {
  return [
    changes(backend, auth, "AuthEnable", pb.AuthEnableRequestSchema, () => ({ action: "enable" })),
    changes(backend, auth, "AuthDisable", pb.AuthDisableRequestSchema, () => ({
      action: "disable",
    })),
    unary(
      at("AuthStatus"),
      pb.AuthStatusRequestSchema,
      pb.AuthStatusResponseSchema,
      async (_, caller) => {
        const { enabled, revision } = await auth.status({ caller });
        return { header: headerOf(backend), enabled, authRevision: BigInt(revision) };
      },
    ),
    unary(
      at("Authenticate"),
      pb.AuthenticateRequestSchema,
      pb.AuthenticateResponseSchema,
      async ({ name, password }, caller) => {
        const token = await auth.authenticate(name, password, { caller });
        return { header: headerOf(backend), token };
      },
    ),
  ];
}

function userMethods(backend: Backend, auth: AuthService): readonly RpcMethod[] {
  return [
    unary(
      at("UserAdd"),
      pb.AuthUserAddRequestSchema,
      pb.AuthUserAddResponseSchema,
      async (q, caller) => {
        refuseHash(q.hashedPassword);
        const password = q.options?.noPassword === true ? null : q.password;
        await auth.addUser(q.name, password, { caller });
        return { header: headerOf(backend) };
      },
    ),
    unary(
      at("UserGet"),
      pb.AuthUserGetRequestSchema,
      pb.AuthUserGetResponseSchema,
      async (q, caller) => {
        const roles = await auth.userRoles(q.name, { caller });
        return { header: headerOf(backend), roles: [...roles] };
      },
    ),
    unary(
      at("UserList"),
      pb.AuthUserListRequestSchema,
      pb.AuthUserListResponseSchema,
      async (_, caller) => {
        const users = await auth.users({ caller });
        return { header: headerOf(backend), users: [...users] };
      },
    ),
    changes(backend, auth, "UserDelete", pb.AuthUserDeleteRequestSchema, ({ name }) => ({
      action: "user-delete",
      user: name,
    })),
    unary(
      at("UserChangePassword"),
      pb.AuthUserChangePasswordRequestSchema,
      pb.AuthUserChangePasswordResponseSchema,
      async (q, caller) => {
        refuseHash(q.hashedPassword);
        await auth.changePassword(q.name, q.password, { caller });
        return { header: headerOf(backend) };
      },
    ),
    changes(
      backend,
      auth,
      "UserGrantRole",
      pb.AuthUserGrantRoleRequestSchema,
      ({ user, role }) => ({ action: "user-grant", user, role }),
    ),
    changes(
      backend,
      auth,
      "UserRevokeRole",
      pb.AuthUserRevokeRoleRequestSchema,
      ({ name, role }) => ({ action: "user-revoke", user: name, role }),
    ),
  ];
}

function roleMethods(backend: Backend, auth: AuthService): readonly RpcMethod[] {
  return [
    changes(backend, auth, "RoleAdd", pb.AuthRoleAddRequestSchema, ({ name }) => ({
      action: "role-add",
      role: name,
    })),
    unary(
      at("RoleGet"),
      pb.AuthRoleGetRequestSchema,
      pb.AuthRoleGetResponseSchema,
      async (q, caller) => {
        const permissions = await auth.permissions(q.role, { caller });
        return { header: headerOf(backend), perm: permissions.map(wirePermission) };
      },
    ),
    unary(
      at("RoleList"),
      pb.AuthRoleListRequestSchema,
      pb.AuthRoleListResponseSchema,
      async (_, caller) => {
        const roles = await auth.roles({ caller });
        return { header: headerOf(backend), roles: [...roles] };
      },
    ),
    changes(backend, auth, "RoleDelete", pb.AuthRoleDeleteRequestSchema, ({ role }) => ({
      action: "role-delete",
      role,
    })),
    changes(
      backend,
      auth,
      "RoleGrantPermission",
      pb.AuthRoleGrantPermissionRequestSchema,
      ({ name, perm }) => ({ action: "role-grant", role: name, permission: permissionOf(perm) }),
    ),
    changes(
      backend,
      auth,
      "RoleRevokePermission",
      pb.AuthRoleRevokePermissionRequestSchema,
      ({ role, key, rangeEnd }) => ({ action: "role-revoke", role, key, rangeEnd }),
    ),
  ];
}

function permissionOf(permission: authpb.Permission | undefined): Permission {
  const type = permission === undefined ? undefined : TYPES[permission.permType];
  if (permission === undefined || type === undefined) throw new KvError("permission-not-given");
  return { type, key: permission.key, rangeEnd: permission.rangeEnd };
}

function wirePermission({
  type,
  key,
  rangeEnd,
}: Permission): MessageInitShape<typeof authpb.PermissionSchema> {
  return {
    permType: WIRE_TYPES[type],
    key: Uint8Array.from(key),
    rangeEnd: Uint8Array.from(rangeEnd),
  };
}

function refuseHash(hashedPassword: string): void {
  if (hashedPassword !== "") throw new KvError("password-hash-given");
}
