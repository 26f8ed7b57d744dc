import { setTimeout as sleep } from "node:timers/promises";
import type { MemberOptions, StoreMember } from "../../src/index.js";
import { startMember } from "../../src/index.js";
import { freePorts, temporaryDirectory } from "./temporary.js";

/** Members of one cluster in this process, each with a directory and fixed ports. */
export interface Cluster extends AsyncDisposable {
  readonly members: StoreMember[];
  readonly endpoints: readonly string[];
  leader(): Promise<StoreMember>;
  /** Starts the member of this place again, after it was stopped. */
  restart(i: number): Promise<StoreMember>;
}

const HEARTBEAT_MS = 50;
const ELECTION_MS = 500;

export async function startCluster(size: number, options: MemberOptions = {}): Promise<Cluster> {
  const directory = await temporaryDirectory();
  const ports = await freePorts(2 * size);
  const url = (port: number | undefined, scheme = "http"): string =>
    `${scheme}://127.0.0.1:${port}`;
  const peerScheme = options.peerTls === undefined ? "http" : "https";
  const names = Array.from({ length: size }, (_, i) => `m${i}`);
  const initialCluster = Object.fromEntries(
    names.map((name, i) => [name, [url(ports[size + i], peerScheme)]]),
  );
  const endpoints = names.map((_, i) => url(ports[i]));
  const start = (i: number): Promise<StoreMember> =>
    startMember({
      name: `m${i}`,
      storage: { directory: `${directory.path}/m${i}` },
      listenClientUrls: [url(ports[i])],
      listenPeerUrls: [url(ports[size + i], peerScheme)],
      initialCluster,
      heartbeatMs: HEARTBEAT_MS,
      electionMs: ELECTION_MS,
      ...options,
    });
  const members = await Promise.all(names.map((_, i) => start(i)));
  await Promise.all(members.map((member) => member.ready()));
  return {
    members,
    endpoints,
    async leader() {
      for (;;) {
        const leader = members.find((member) => member.status().isLeader);
        if (leader !== undefined) return leader;
        await sleep(10);
      }
    },
    async restart(i) {
      const member = await start(i);
      members[i] = member;
      return member;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map((member) => member.stop()));
      await directory[Symbol.asyncDispose]();
    },
  };
}
