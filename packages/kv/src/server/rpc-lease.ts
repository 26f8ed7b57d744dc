import { FORWARDED } from "../api/metadata.js";
import {
  encode,
  Reader,
  readLeaseGrantRequest,
  readLeaseId,
  readTimeToLiveRequest,
  writeHeaderOnly,
  writeLeasesResponse,
  writeLeaseTtlResponse,
  writeTimeToLiveResponse,
} from "../codec/index.js";
import type { Backend } from "./backend.js";
import type { LeaseService } from "./lease-service.js";
import type { RpcMethod } from "./rpc.js";

/** etcd's Lease service by path, but for the keep-alive stream. */
export function leaseMethods(backend: Backend, lease: LeaseService): readonly RpcMethod[] {
  return [
    {
      kind: "unary",
      path: "/etcdserverpb.Lease/LeaseGrant",
      handle: async (bytes, caller) => {
        const request = readLeaseGrantRequest(new Reader(bytes));
        const { id, ttl, revision } = await lease.grant(request, { caller });
        return encode(writeLeaseTtlResponse, { header: backend.header(revision), id, ttl });
      },
    },
    {
      kind: "unary",
      path: "/etcdserverpb.Lease/LeaseRevoke",
      handle: async (bytes, caller) => {
        const { revision } = await lease.revoke(readLeaseId(new Reader(bytes)), { caller });
        return encode(writeHeaderOnly, backend.header(revision));
      },
    },
    {
      kind: "unary",
      path: "/etcdserverpb.Lease/LeaseTimeToLive",
      handle: async (bytes, call) => {
        const { id, keys } = readTimeToLiveRequest(new Reader(bytes));
        const forwarded = call.metadata(FORWARDED) !== undefined;
        const life = await lease.timeToLive(id, keys, { forwarded, caller: call });
        return encode(writeTimeToLiveResponse, { header: backend.header(), ...life });
      },
    },
    {
      kind: "unary",
      path: "/etcdserverpb.Lease/LeaseLeases",
      handle: async () => encode(writeLeasesResponse, backend.header(), await lease.leases()),
    },
  ];
}
