import { MemoryNetwork, RaftGroup, type StateMachine } from "@flotilla/raft/node";

/** What is replicated: a number, and commands that add to it. */
class Counter implements StateMachine<number, number> {
  value = 0;

  apply(entries: readonly { command: number | null }[]): number[] {
    return entries.map(({ command }) => {
      this.value += command ?? 0;
      return this.value;
    });
  }

  async *snapshot(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(`${this.value}`);
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    this.value = Number(Buffer.concat(parts).toString());
  }
}

const network = new MemoryNetwork();
const members = [1, 2, 3].map((id) => {
  return { id, address: "", context: new Uint8Array(), learner: false };
});
const counters = members.map(() => new Counter());
const groups = await Promise.all(
  members.map(({ id }) =>
    RaftGroup.open<number, number>({
      id,
      clusterId: "counters",
      members,
      storage: "memory", // or { directory: "…" }
      transport: network.transport(id), // or new GrpcTransport({ … })
      stateMachine: counters[id - 1]!,
      codec: {
        encode: (amount) => Buffer.from(`${amount}`),
        decode: (bytes) => Number(Buffer.from(bytes).toString()),
      },
    }),
  ),
);
const elected = groups.map((group) => new Promise((resolve) => group.on("leader", resolve)));
await Promise.all(elected);

console.log(await groups[0]!.propose(40)); // 40
console.log(await groups[1]!.propose(2)); // 42
await groups[2]!.readBarrier(); // whatever was acknowledged anywhere is here now
console.log(counters[2]!.value); // 42

await Promise.all(groups.map((group) => group.close()));
