/**
 * What idle groups cost: `npm run bench:idle -w @flotilla/raft -- [GROUPS…]` opens so many groups
 * (1, 10 and 100 by default) on three members over loopback gRPC, all three in this process, lets them
 * elect their leaders and then measures CPU time and messages while nobody proposes anything.
 */
import { GrpcTransport, type Member, RaftGroup, type RaftMetrics } from "../src/node/index.js";

const SPAN_MS = 5_000;
const counts = process.argv.slice(2).map(Number);

for (const count of counts.length > 0 ? counts : [1, 10, 100]) await measure(count);

async function measure(count: number): Promise<void> {
  const counted = { frames: 0, messages: 0, bytes: 0 };
  const metrics: RaftMetrics = {
    count: (name, by) => {
      if (name === "messages_sent") counted.messages += by;
      if (name !== "peer_sent_bytes") return;
      counted.frames++;
      counted.bytes += by;
    },
    observe: () => {},
  };
  const listen = [{ host: "127.0.0.1", port: 0 }];
  const transports = [1, 2, 3].map((id) => {
    return new GrpcTransport({ clusterId: "bench", id, listen, metrics });
  });
  await Promise.all(transports.map((transport) => transport.bind()));
  const members = transports.map(({ addresses }, at): Member => {
    const address = `127.0.0.1:${addresses[0]!.port}`;
    return { id: at + 1, address, context: new Uint8Array(), learner: false };
  });
  const groups = await Promise.all(
    Array.from({ length: 3 * count }, (_, at) =>
      RaftGroup.open<Uint8Array, number>({
        id: (at % 3) + 1,
        clusterId: "bench",
        members,
        storage: "memory",
        transport: transports[at % 3]!.group(Math.floor(at / 3)),
        codec: { encode: (bytes) => bytes, decode: (bytes) => bytes },
        stateMachine: {
          apply: (entries) => entries.map(({ index }) => index),
          snapshot: async function* () {},
          restore: async () => {},
        },
      }),
    ),
  );
  await Promise.all(groups.map((group) => group.waitForLeader()));
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  Object.assign(counted, { frames: 0, messages: 0, bytes: 0 });
  const cpu = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, SPAN_MS));
  const { user, system } = process.cpuUsage(cpu);
  const seconds = SPAN_MS / 1000;
  const share = (user + system) / 1000 / SPAN_MS;
  console.log(
    `${count} idle groups of three: ${(100 * share).toFixed(1)} % of a core for all three members, ` +
      `${Math.round(counted.messages / seconds)} messages in ${Math.round(counted.frames / seconds)} ` +
      `frames and ${Math.round(counted.bytes / seconds / 1024)} KiB a second`,
  );
  await Promise.all(groups.map((group) => group.close()));
  await Promise.all(transports.map((transport) => transport[Symbol.asyncDispose]()));
}
