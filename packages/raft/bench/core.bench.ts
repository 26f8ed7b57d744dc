import { type Entry, MemoryStorage, type Message, RawNode, Role } from "../src/index.js";

// How many inputs (ticks, messages, proposals) a core takes a second: groups of three and five in
// one thread, no disk, no network, the leader taking proposals of 128 bytes in rounds of `batch`.
// Each figure is the median of ROUNDS rounds of SECONDS each, after a warm-up over all of the cases,
// so that none is of code that is not compiled yet. A machine that others share gives the process
// only part of its time: the figures for each second of processor time tell what the code costs.

const DATA = new Uint8Array(128);
const SECONDS = Number(process.env["BENCH_SECONDS"] ?? 1);
const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 5);
const WARM_UP_SECONDS = 0.5;

const CASES = [3, 5].flatMap((size) => [1, 10, 100].map((batch) => ({ size, batch })));

/** What one round did in a second. */
interface Rates {
  readonly steps: number;
  readonly applied: number;
  /** Steps in a second of processor time, that of the garbage collector's threads included. */
  readonly stepsOfCpu: number;
}

interface Group {
  readonly nodes: RawNode[];
  readonly storages: MemoryStorage[];
  steps: number;
  applied: number;
}

function found(size: number): Group {
  const voters = Array.from({ length: size }, (_, i) => i + 1);
  const confState = {
    voters,
    learners: [],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  const nodes: RawNode[] = [];
  const storages: MemoryStorage[] = [];
  for (const id of voters) {
    const storage = new MemoryStorage();
    storage.applySnapshot({ metadata: { index: 1, term: 1, confState }, data: new Uint8Array(0) });
    storages.push(storage);
    nodes.push(
      new RawNode({
        id,
        electionTick: 10,
        heartbeatTick: 1,
        storage,
        applied: 1,
        preVote: true,
        checkQuorum: true,
        random: () => 0,
      }),
    );
  }
  return { nodes, storages, steps: 0, applied: 0 };
}

/** Lets everybody work until nothing is left to do. */
function settle(group: Group): void {
  let messages: Message[] = [];
  do {
    const due = messages;
    messages = [];
    for (const message of due) group.nodes[message.to - 1]!.step(message);
    group.steps += due.length;
    for (let i = 0; i < group.nodes.length; i++) work(group, i, messages);
  } while (messages.length > 0);
}

function work(group: Group, i: number, messages: Message[]): void {
  const node = group.nodes[i]!;
  const storage = group.storages[i]!;
  while (node.hasReady()) {
    const ready = node.ready();
    if (ready.hardState !== null) storage.setHardState(ready.hardState);
    storage.append(ready.entries);
    for (const message of ready.messages) messages.push(message);
    apply(group, i, ready.committedEntries);
    node.advance();
  }
}

function apply(group: Group, i: number, entries: readonly Entry[]): void {
  const last = entries.at(-1);
  if (last === undefined) return;
  if (i === 0) group.applied += entries.length;
  // Keep the logs short, as a driver does.
  const storage = group.storages[i]!;
  if (last.index - storage.firstIndex() > 10_000) storage.compact(last.index - 5_000);
}

function run(size: number, batch: number, duration: number): Rates {
  const group = found(size);
  group.nodes[0]!.campaign();
  settle(group);
  if (group.nodes[0]!.basicStatus().role !== Role.Leader) throw new Error("no leader");
  group.steps = 0;
  group.applied = 0;
  const used = process.cpuUsage();
  const began = performance.now();
  const end = began + duration * 1000;
  while (performance.now() < end) {
    for (let i = 0; i < batch; i++) group.nodes[0]!.propose(DATA);
    group.steps += batch;
    for (const node of group.nodes) node.tick();
    group.steps += size;
    settle(group);
  }
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(used);
  return {
    steps: group.steps / seconds,
    applied: group.applied / seconds,
    stepsOfCpu: group.steps / ((user + system) / 1e6),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function figure(value: number): string {
  return Math.round(value).toLocaleString("en").padStart(11);
}

for (const { size, batch } of CASES) run(size, batch, WARM_UP_SECONDS);

const rounds = new Map(CASES.map((one): [(typeof CASES)[number], Rates[]] => [one, []]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [{ size, batch }, rates] of rounds) rates.push(run(size, batch, SECONDS));
}
console.log(`median of ${ROUNDS} rounds of ${SECONDS} s, after a warm-up; applied: by all members`);
console.log("members  batch  steps/s of CPU      steps/s    (least–most)  applied/s");
for (const [{ size, batch }, rates] of rounds) {
  const steps = rates.map((rate) => rate.steps);
  console.log(
    String(size).padStart(7) +
      String(batch).padStart(7) +
      figure(median(rates.map((rate) => rate.stepsOfCpu))).padStart(16) +
      figure(median(steps)).padStart(13) +
      `  (${figure(Math.min(...steps)).trim()}–${figure(Math.max(...steps)).trim()})` +
      figure(median(rates.map((rate) => rate.applied))),
  );
}
