import { KvError, type MemberOptions, type StoreMember, startMember } from "@flotilla/kv";
import { RaftError } from "@flotilla/raft";
import { advertised, formatAddress, parseAddress } from "../address.js";
import type { Config } from "../config/options.js";
import { messageOf, NodeError } from "../errors.js";
import type { NodeStore } from "./node-store.js";

/** History that watchers can resume from: hours of a busy cluster, and a bound on memory. */
const KEEP_REVISIONS = 50_000;

/** A store member in this process. */
export async function openEmbeddedStore(
  config: Config,
  storage: { readonly directory: string } | "memory",
  events: Pick<MemberOptions, "onPeerRefused" | "onForced">,
): Promise<NodeStore> {
  const members = config["initial-cluster"];
  const own = members[config.name];
  const member = await start({
    name: config.name,
    storage,
    listenClientUrls: [`http://${config["listen-client"]}`],
    ...advertiseClientUrls(config),
    ...events,
    forceNewCluster: config["force-new-cluster"],
    listenPeerUrls: [`http://${config["listen-peer"]}`],
    ...(own === undefined ? {} : { advertisePeerUrls: own, initialCluster: members }),
    clusterToken: config["cluster-id"],
    initialClusterState: config.join.length > 0 ? "existing" : "new",
    joinEndpoints: config.join,
    keepRevisions: KEEP_REVISIONS,
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

/** Of a free port nothing can be told before it is bound, and then it is told as bound. */
function advertiseClientUrls(config: Config): Pick<MemberOptions, "advertiseClientUrls"> {
  const bound = parseAddress(config["listen-client"]);
  if (bound.port === 0) return {};
  const address = advertised(config["advertise-client"], bound, config["public-ip"]);
  return { advertiseClientUrls: [`http://${formatAddress(address)}`] };
}

async function start(options: MemberOptions): Promise<StoreMember> {
  try {
    return await startMember(options);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    throw new NodeError("corrupt-store", `the store's data is corrupt: ${messageOf(error)}`, {
      hint: "nothing was changed. Bring back a copy of the folder, or remove this member from the cluster and add it anew with an empty one",
      cause: error,
    });
  }
}

function isCorrupt(error: unknown): boolean {
  return (RaftError.is(error) || KvError.is(error)) && error.code === "corrupt";
}
