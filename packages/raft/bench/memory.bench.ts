/**
 * Memory of a leader with 100,000 proposals of 256 bytes that cannot be committed, because both its
 * followers are cut off: `npm run bench:memory -w @flotilla/raft`. The bound that the README gives is
 * printed beside what is measured.
 */
import { GrpcTransport, type Member, RaftGroup } from "../src/node/index.js";

const PROPOSALS = 100_000;
const VALUE_BYTES = 256;
const MEBIBYTE = 1024 * 1024;
/** What the README's section "Bounds" allows for each waiting proposal, beside its bytes. */
const PER_PROPOSAL = 3_072;

const listen = [{ host: "127.0.0.1", port: 0 }];
const transports = [1, 2, 3].map((id) => new GrpcTransport({ clusterId: "bench", id, listen }));
await Promise.all(transports.map((transport) => transport.bind()));
const members = transports.map(({ addresses }, at): Member => {
  const address = `127.0.0.1:${addresses[0]!.port}`;
  return { id: at + 1, address, context: new Uint8Array(), learner: false };
});
const groups = await Promise.all(
  transports.map((transport, at) =>
    RaftGroup.open<Uint8Array, number>({
      id: at + 1,
      clusterId: "bench",
      members,
      storage: "memory",
      transport,
      // Patience, so that the leader does not step down before all is measured.
      electionTicks: 6_000,
      requestTimeoutMs: 600_000,
      codec: { encode: (bytes) => bytes, decode: (bytes) => bytes },
      stateMachine: {
        apply: (entries) => entries.map(({ index }) => index),
        snapshot: async function* () {},
        restore: async () => {},
      },
    }),
  ),
);
const leader = groups[0]!;
leader.campaign();
while (!leader.isLeader) await new Promise((resolve) => setTimeout(resolve, 10));
await Promise.all(Array.from({ length: 2_000 }, () => leader.propose(new Uint8Array(VALUE_BYTES))));
await Promise.all(groups.slice(1).map((group) => group.close()));

const before = memory();
const codes = new Map<string, number>();
const proposed = Array.from({ length: PROPOSALS }, async () => {
  await leader.propose(new Uint8Array(VALUE_BYTES)).catch(({ code }: { code: string }) => {
    codes.set(code, (codes.get(code) ?? 0) + 1);
  });
});
// The leader tries its followers in vain for a while.
await new Promise((resolve) => setTimeout(resolve, 3_000));
const { pendingProposals, lastIndex, commit } = leader.status();
const during = memory();
console.log(`${pendingProposals} proposals wait, ${lastIndex - commit} entries are uncommitted`);
report("before", before);
report("with them", during);
const grown = during.heap + during.external - before.heap - before.external;
const bound = PROPOSALS * (VALUE_BYTES + PER_PROPOSAL);
console.log(
  `heap and external grew by ${mebibytes(grown)}: ${Math.round(grown / PROPOSALS)} bytes a proposal; ` +
    `documented at most ${mebibytes(bound)}`,
);
const refused = await leader.propose(new Uint8Array(VALUE_BYTES)).catch((error: Error) => error);
console.log(`one more: ${refused instanceof Error ? refused.message : "taken"}`);
await leader.close();
await Promise.all(proposed);
console.log(`after close: ${[...codes].map(([code, count]) => `${count} ${code}`).join(", ")}`);
process.exitCode = grown <= bound && pendingProposals === PROPOSALS ? 0 : 1;

interface Used {
  readonly rss: number;
  readonly heap: number;
  readonly external: number;
}

function memory(): Used {
  global.gc?.();
  const { rss, heapUsed: heap, external } = process.memoryUsage();
  return { rss, heap, external };
}

function report(when: string, { rss, heap, external }: Used): void {
  const parts = [`RSS ${mebibytes(rss)}`, `heap ${mebibytes(heap)}`];
  console.log(`${when}: ${[...parts, `external ${mebibytes(external)}`].join(", ")}`);
}

function mebibytes(bytes: number): string {
  return `${(bytes / MEBIBYTE).toFixed(1)} MiB`;
}
