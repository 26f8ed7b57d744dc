import { afterEach, describe, expect, it } from "vitest";
import { RaftError } from "../../src/index.js";
import { MemoryDisk, MemoryNetwork, type RaftGroup } from "../../src/node/index.js";
import { generator, leaderOf, member, type Options, openGroup, until, Words } from "./helpers.js";

type Group = RaftGroup<string, number>;
const cleanup: Group[] = [];
/** Small, so that the log of a short test has many. */
const SEGMENT = 64 * 1024;

afterEach(async () => {
  await Promise.all(cleanup.splice(0).map((group) => group.close()));
});

/** Members on disks that can lose power. */
class Cluster {
  readonly network = new MemoryNetwork();
  readonly disks: MemoryDisk[] = [];
  readonly machines: Words[] = [];
  readonly groups: Group[] = [];
  readonly #settings: Partial<Options>;
  readonly #ids: number[];

  constructor(size: number, settings: Partial<Options> = {}) {
    this.#settings = settings;
    this.#ids = Array.from({ length: size }, (_, at) => at + 1);
    for (const _ of this.#ids) this.disks.push(new MemoryDisk());
  }

  async startAll(): Promise<void> {
    for (const id of this.#ids) await this.start(id);
  }

  async start(id: number): Promise<Group> {
    const stateMachine = new Words();
    const group = await openGroup({
      id,
      members: this.#ids.map((one) => member(one)),
      storage: { directory: "data", disk: this.disks[id - 1]!, segmentBytes: SEGMENT },
      transport: this.network.transport(id),
      stateMachine,
      ...this.#settings,
    });
    this.machines[id - 1] = stateMachine;
    this.groups[id - 1] = group;
    cleanup.push(group);
    return group;
  }
}

/** Lets syncs of the log wait; spares are made beside it and are not meant. */
function holdSyncs(disk: MemoryDisk): () => void {
  const held: (() => void)[] = [];
  disk.faults.beforeSync = (path) => {
    if (!path.endsWith("spare.tmp")) return new Promise((resolve) => held.push(resolve));
    return undefined;
  };
  return () => {
    disk.faults.beforeSync = () => {};
    for (const release of held.splice(0)) release();
  };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("a group on failing disks", () => {
  it("alone acknowledges nothing before its own fsync", async () => {
    const cluster = new Cluster(1);
    await cluster.startAll();
    const [group] = cluster.groups;
    await until("it leads", () => group!.isLeader);
    await group!.propose("a");
    const release = holdSyncs(cluster.disks[0]!);
    let answered = false;
    const proposed = group!.propose("b").then((result) => {
      answered = true;
      return result;
    });
    await turns(50);
    expect(answered).toBe(false);
    expect(cluster.machines[0]!.words).toEqual(["a"]);
    release();
    expect(await proposed).toBe(2);
  });

  it("commits on the others' fsyncs while the leader's own takes its time", async () => {
    const cluster = new Cluster(3);
    await cluster.startAll();
    const leader = await leaderOf(cluster.groups);
    await leader.propose("a");
    const at = cluster.groups.indexOf(leader);
    const release = holdSyncs(cluster.disks[at]!);
    const proposed = leader.propose("b");
    const others = cluster.machines.filter((_, index) => index !== at);
    await until("the others have it", () => others.every(({ words }) => words.includes("b")));
    expect(await Promise.all(cluster.groups.map((group) => group.isLeader))).toContain(true);
    expect(cluster.machines[at]!.words).toEqual(["a"]);
    release();
    expect(await proposed).toBe(2);
  });

  it("loses the member whose fsync fails, and nothing else", async () => {
    const cluster = new Cluster(3);
    await cluster.startAll();
    const leader = await leaderOf(cluster.groups);
    await leader.propose("a");
    const at = cluster.groups.indexOf(leader);
    const fatal = new Promise<Error>((resolve) => leader.on("fatal", resolve));
    await until("its spare is there", () => cluster.disks[at]!.used() >= 2 * SEGMENT);
    cluster.disks[at]!.faults.failSyncs = 1;
    const proposed = leader.propose("b").catch((error: unknown) => error);
    expect(await fatal).toMatchObject({ code: "storage-failed" });
    expect(await proposed).toMatchObject({ code: "storage-failed" });
    await expect(leader.propose("c")).rejects.toMatchObject({ code: "storage-failed" });
    await expect(leader.readBarrier()).rejects.toMatchObject({ code: "storage-failed" });
    const rest = cluster.groups.filter((group) => group !== leader);
    await leaderOf(rest);
    await rest[0]!.propose("d");
    await leader.close();
    cluster.disks[at]!.crash();
    const back = await cluster.start(at + 1);
    await until("it follows", () => back.status().leader !== 0);
    await back.readBarrier();
    expect(cluster.machines[at]!.words.at(-1)).toBe("d");
    expect(new Set(cluster.machines[at]!.words).size).toBe(cluster.machines[at]!.words.length);
  });

  it("refuses proposals on a full disk, hands leadership over, and loses nothing", async () => {
    const cluster = new Cluster(3);
    await cluster.startAll();
    const leader = await leaderOf(cluster.groups);
    const at = cluster.groups.indexOf(leader);
    const disk = cluster.disks[at]!;
    await until("its spare is there", () => disk.used() >= 2 * SEGMENT);
    disk.faults.capacity = disk.used();
    const big = "x".repeat(5_000);
    const results: number[] = [];
    let refusal: unknown = null;
    while (refusal === null) {
      await leader.propose(big).then(
        (result) => results.push(result),
        (error: unknown) => {
          refusal = error;
        },
      );
    }
    expect(RaftError.is(refusal) && refusal.code).toMatch(/disk-full|proposal-dropped/);
    expect(leader.status().diskFull).toBe(true);
    await expect(leader.propose("y")).rejects.toMatchObject({ code: "disk-full" });
    await until("another leads", () => !leader.isLeader);
    const next = await leaderOf(cluster.groups);
    expect(await next.propose("z")).toBe(results.length + 1);
    disk.faults.capacity = Number.POSITIVE_INFINITY;
    await until("there is room", () => leader.status().diskFull === false);
    expect(await leader.propose("again")).toBe(results.length + 2);
  });

  it("keeps every acknowledged command, once, over power losses of random members", async () => {
    const random = generator(20_260_101);
    const settings = { snapshotEntries: 60, keepEntries: 20, tickMs: 10, requestTimeoutMs: 500 };
    const cluster = new Cluster(3, settings);
    await cluster.startAll();
    const acknowledged = new Set<string>();
    let running = true;
    let count = 0;
    const client = async (name: number): Promise<void> => {
      while (running) {
        const word = `${name}-${count++}`;
        const group = cluster.groups[Math.floor(random() * 3)]!;
        await group.propose(word).then(
          () => acknowledged.add(word),
          async () => await new Promise((resolve) => setTimeout(resolve, 5)),
        );
      }
    };
    const clients = [0, 1, 2, 3].map(client);
    for (let round = 0; round < 12; round++) {
      const target = acknowledged.size + 40;
      await until("work goes on", () => acknowledged.size >= target);
      const id = 1 + Math.floor(random() * 3);
      const disk = cluster.disks[id - 1]!;
      // A torn write: a first part of what was not synced is there after the crash.
      const keep = Math.floor(random() * 6);
      const seen = new Map<string, number>();
      disk.crash({
        keepSector: (path) => {
          const kept = (seen.get(path) ?? 0) + 1;
          seen.set(path, kept);
          return kept <= keep;
        },
      });
      await cluster.groups[id - 1]!.close();
      await cluster.start(id);
    }
    running = false;
    await Promise.all(clients);
    await leaderOf(cluster.groups);
    await Promise.all(cluster.groups.map((group) => group.readBarrier()));
    const [first, second, third] = cluster.machines.map(({ words }) => words);
    expect(second).toEqual(first);
    expect(third).toEqual(first);
    expect(new Set(first).size).toBe(first!.length);
    expect([...acknowledged].filter((word) => !first!.includes(word))).toEqual([]);
    expect(cluster.groups.some((group) => group.status().snapshotIndex > 0)).toBe(true);
  });

  it("passes over a damaged snapshot where the log still holds all, and else refuses", async () => {
    const cluster = new Cluster(1, { snapshotEntries: 50, keepEntries: 5 });
    await cluster.startAll();
    await until("it leads", () => cluster.groups[0]!.isLeader);
    const filler = "x".repeat(2_000);
    for (let n = 0; n < 130; n++) await cluster.groups[0]!.propose(`${n}${filler}`);
    const [disk] = cluster.disks;
    const files = (): string[] => disk!.paths().filter((path) => path.endsWith(".snap"));
    await until("two snapshots are there", () => files().length === 2);
    await cluster.groups[0]!.close();
    const damage = (path: string): void => {
      const bytes = disk!.content(path);
      bytes[bytes.length - 20] = bytes[bytes.length - 20]! ^ 1;
      disk!.overwrite(path, bytes);
    };
    damage(files().at(-1)!);
    const back = await cluster.start(1);
    await until("it leads", () => back.isLeader);
    await back.readBarrier();
    expect(cluster.machines[0]!.words).toHaveLength(130);
    await back.close();
    expect(disk!.paths().filter((path) => path.endsWith("01.wal"))).toEqual([]);
    for (const path of files()) damage(path);
    const error = await cluster.start(1).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "corrupt" });
    expect((error as Error).message).toMatch(/\.snap: offset \d+/);
  });

  it("goes on without a snapshot that has no room, and takes it when there is", async () => {
    const cluster = new Cluster(1, { snapshotEntries: 20, tickMs: 10 });
    await cluster.startAll();
    const [group] = cluster.groups;
    const [disk] = cluster.disks;
    await until("it leads", () => group!.isLeader);
    await until("its spare is there", () => disk!.used() >= 2 * SEGMENT);
    disk!.faults.capacity = disk!.used();
    for (let n = 0; n < 25; n++) await group!.propose(`a${n}`);
    await until("a snapshot was tried", () => group!.status().snapshotError !== null);
    expect(group!.status().snapshotError).toMatchObject({ code: "disk-full" });
    expect(disk!.paths().filter((path) => path.includes("snapshots"))).toEqual([]);
    expect(group!.status()).toMatchObject({ snapshotIndex: 0, diskFull: false });
    expect(await group!.propose("b")).toBe(26);
    disk!.faults.capacity = Number.POSITIVE_INFINITY;
    for (let n = 0; n < 25; n++) await group!.propose(`c${n}`);
    await until("it is taken", () => group!.status().snapshotIndex > 0);
    expect(group!.status().snapshotError).toBe(null);
  });

  it("takes the leader's snapshot while one of its own is being written", async () => {
    const cluster = new Cluster(3, { snapshotEntries: 30, keepEntries: 5 });
    await cluster.startAll();
    const leader = await leaderOf(cluster.groups);
    const slow = cluster.groups.find((group) => group !== leader)!;
    const machine = cluster.machines[cluster.groups.indexOf(slow)]!;
    let fatal: Error | null = null;
    slow.on("fatal", (error) => {
      fatal = error;
    });
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let begun = false;
    machine.snapshot = async function* () {
      begun = true;
      await gate;
      yield Buffer.from("[]");
    };
    for (let n = 0; n < 40; n++) await leader.propose(`a${n}`);
    await until("its own is being written", () => begun);
    cluster.network.isolate(slow.status().id);
    for (let n = 0; n < 80; n++) await leader.propose(`b${n}`);
    await until("the leader compacted", () => leader.status().firstIndex > 80);
    cluster.network.heal();
    await until("it took the leader's", () => machine.restores === 1);
    release();
    await leader.propose("c");
    await until("it goes on", () => machine.words.at(-1) === "c");
    expect(machine.words).toHaveLength(121);
    await turns(20);
    expect(fatal).toBe(null);
  });

  it("does not let a leader that was cut off answer reads", async () => {
    const cluster = new Cluster(3, { requestTimeoutMs: 300 });
    await cluster.startAll();
    const leader = await leaderOf(cluster.groups);
    await leader.propose("a");
    cluster.network.isolate(leader.status().id);
    const stale = leader.readBarrier().catch((error: unknown) => error);
    const rest = cluster.groups.filter((group) => group !== leader);
    await leaderOf(rest);
    await rest[0]!.propose("b");
    expect(await stale).toMatchObject({ code: "read-unavailable" });
    cluster.network.heal();
    await until("it follows", () => leader.status().leader === rest[0]!.status().leader);
    await leader.readBarrier();
    expect(cluster.machines[cluster.groups.indexOf(leader)]!.words).toEqual(["a", "b"]);
  });
});
