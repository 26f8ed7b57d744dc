import type { Member } from "@flotilla/raft/node";
import { KvError } from "../api/errors.js";
import { connect } from "../client/connect.js";
import { consensusId, encodeAttributes, peerAddress } from "../server/member-record.js";
import type { Identity } from "./identity.js";
import type { MemberSettings } from "./options.js";
import { invalid } from "./options.js";
import type { StoreMemberInfo } from "./types.js";

/** Who a member is and which others it starts with. */
export interface Start {
  readonly identity: Identity;
  /** Null: this one alone. */
  readonly members: readonly Member[] | null;
  readonly join: boolean;
}

/**
 * Asks a running cluster, to which this member was added, who it is there: its ID was chosen when it
 * was added, and it is known by its peer URLs.
 */
export async function joinCluster(settings: MemberSettings): Promise<Start> {
  const { joinEndpoints, advertisePeerUrls, name, token } = settings;
  if (joinEndpoints.length === 0) {
    throw invalid(
      'a member that joins ("existing") needs joinEndpoints: client URLs of running members',
    );
  }
  if (advertisePeerUrls === null) {
    throw invalid("a member that joins needs advertisePeerUrls: those with which it was added");
  }
  await using client = connect({ endpoints: joinEndpoints });
  const wanted = [...advertisePeerUrls].sort().join();
  // Without a quorum first: a cluster of one that was given a second voter has none until it starts.
  let { clusterId, members } = await client.members({ serializable: true });
  let self = findByUrls(members, wanted);
  if (self === undefined) {
    ({ clusterId, members } = await client.members());
    self = findByUrls(members, wanted);
  }
  if (self === undefined) {
    throw new KvError(
      "member-not-found",
      `the cluster knows no member at ${wanted}: add it first ` +
        `(etcdctl member add ${name} --peer-urls=${wanted})`,
    );
  }
  const memberId = consensusId(self.id);
  return {
    identity: { memberId, clusterId, name, token, initialMembers: [], joined: true },
    members: members.map(({ id, learner, ...attributes }) => ({
      id: consensusId(id),
      address: peerAddress(attributes.peerUrls),
      context: encodeAttributes(attributes),
      learner,
    })),
    join: true,
  };
}

function findByUrls(
  members: readonly StoreMemberInfo[],
  wanted: string,
): StoreMemberInfo | undefined {
  return members.find(({ peerUrls }) => [...peerUrls].sort().join() === wanted);
}
