import { startMember } from "@flotilla/kv";
import type { Config } from "../config/options.js";
import type { NodeStore } from "./node-store.js";

/** A store member in this process. */
export async function openEmbeddedStore(
  config: Config,
  storage: { readonly directory: string } | "memory",
): Promise<NodeStore> {
  const members = config["initial-cluster"];
  const own = members[config.name];
  const member = await startMember({
    name: config.name,
    storage,
    listenClientUrls: [`http://${config["listen-client"]}`],
    listenPeerUrls: [`http://${config["listen-peer"]}`],
    ...(own === undefined ? {} : { advertisePeerUrls: own, initialCluster: members }),
    clusterToken: config["cluster-id"],
    initialClusterState: config["initial-cluster-state"],
    heartbeatMs: config["heartbeat-interval"],
    electionMs: config["election-timeout"],
  });
  return {
    keyValue: member.local,
    describe() {
      const { members: known, leader } = member.status();
      const name = known.find(({ id }) => id === leader)?.name;
      return {
        kind: "embedded",
        endpoints: member.clientUrls,
        ...(name === undefined ? {} : { leader: name }),
        members: known.map((each) => ({ name: each.name, clientUrls: each.clientUrls })),
      };
    },
    failed: member.failed,
    close: () => member.stop(),
  };
}
