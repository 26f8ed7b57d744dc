/**
 * A replicated counter on three processes. Start each in a shell of its own:
 *
 *     node three-processes.js 1     node three-processes.js 2     node three-processes.js 3
 *
 * Each line typed into one is a number to add. Kill any of them; start it again. Other ports than
 * these go after the number, the same on all: 1 8001,8002,8003
 */
import { createInterface } from "node:readline";
import { GrpcTransport, RaftGroup } from "@flotilla/raft/node";

const id = Number(process.argv[2] ?? 1);
const ports = (process.argv[3] ?? "7401,7402,7403").split(",").map(Number);
const members = ports.map((port, at) => {
  const address = `http://127.0.0.1:${port}`;
  return { id: at + 1, address, context: new Uint8Array(), learner: false };
});
let value = 0;

const group = await RaftGroup.open<number, number>({
  id,
  clusterId: "counter",
  members,
  storage: { directory: `counter-${id}` },
  transport: new GrpcTransport({
    clusterId: "counter",
    id,
    listen: [{ host: "127.0.0.1", port: ports[id - 1]! }],
  }),
  codec: {
    encode: (amount) => Buffer.from(`${amount}`),
    decode: (bytes) => Number(Buffer.from(bytes).toString()),
  },
  stateMachine: {
    apply: (entries) =>
      entries.map(({ command }) => {
        value += command ?? 0;
        return value;
      }),
    snapshot: async function* () {
      yield Buffer.from(`${value}`);
    },
    restore: async (chunks) => {
      for await (const chunk of chunks) value = Number(Buffer.from(chunk).toString());
    },
  },
});
group.on("leader", (leader, term) => console.log(`member ${leader} leads in term ${term}`));
group.on("fatal", (error) => {
  console.error(error.message);
  process.exit(1);
});
for await (const line of createInterface(process.stdin)) {
  await group.propose(Number(line)).then(console.log, (error) => console.error(error.message));
}
await group.close();
