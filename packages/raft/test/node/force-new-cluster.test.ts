import { afterEach, describe, expect, it } from "vitest";
import { ConfChangeType, type Entry, RaftError } from "../../src/index.js";
import {
  type FolderReport,
  type ForcedCluster,
  forceNewCluster,
  inspectFolder,
  MemoryDisk,
  MemoryNetwork,
  NodeDisk,
  type RaftGroup,
  Wal,
} from "../../src/node/index.js";
import { openStorage } from "../../src/node/storage/storage.js";
import { CrashPoint, losePower } from "./crash-points.js";
import {
  generator,
  leaderOf,
  member,
  openGroup,
  temporaryFolder,
  until,
  Words,
} from "./helpers.js";
import {
  changeEntry,
  command,
  IDENTITY,
  jointChange,
  normal,
  recordFolder,
} from "./recorded-folder.js";

const FORCED = { ...IDENTITY, directory: "data", newClusterId: "recovered" };
const open: RaftGroup<string, number>[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((group) => group.close()));
});

async function recorded(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await recordFolder(disk, "data");
  return disk;
}

function copyOf(disk: MemoryDisk): MemoryDisk {
  const copy = new MemoryDisk();
  for (const path of disk.paths()) copy.overwrite(path, disk.content(path));
  return copy;
}

async function force(disk: MemoryDisk): Promise<ForcedCluster> {
  return await forceNewCluster({ ...FORCED, disk, segmentBytes: 4096 });
}

/** What must be the same in the old folder and the new one. */
function data({ entries, snapshots }: FolderReport): unknown {
  const from = snapshots[0]!.index;
  const kept = (entry: Entry): boolean => entry.index > from && entry.index <= 60;
  return {
    from,
    entries: entries.filter(kept).map(({ index, data: bytes }) => [index, Buffer.from(bytes)]),
  };
}

async function start(
  id: number,
  more: Partial<Parameters<typeof openGroup>[0]> = {},
  network = new MemoryNetwork(),
): Promise<{ group: RaftGroup<string, number>; machine: Words }> {
  const machine = new Words();
  const group = await openGroup({
    id,
    clusterId: "recovered",
    members: [member(1)],
    transport: network.transport(id),
    stateMachine: machine,
    ...more,
  });
  open.push(group);
  return { group, machine };
}

/** Opens the folder as the new cluster's, and closes it; false where it is not. */
async function startStorage(disk: MemoryDisk): Promise<boolean> {
  const storage = { directory: "data", disk };
  try {
    const opened = await openStorage(
      { id: 1, clusterId: "recovered", members: [], storage },
      () => {},
    );
    await opened.close();
    return true;
  } catch (error) {
    if (!RaftError.is(error) || error.code !== "wrong-cluster") throw error;
    return false;
  }
}

describe("forceNewCluster", () => {
  it("makes the last member the only one of a new cluster, with all that it has", async () => {
    const disk = await recorded();
    const forced = await force(disk);
    expect(forced).toMatchObject({
      clusterId: "recovered",
      changed: true,
      lastIndex: 60,
      uncommitted: 2,
    });
    expect(forced.removed.map(({ id, address }) => [id, address])).toEqual([
      [2, "host-2:2380"],
      [3, "host-3:2380"],
    ]);
    const network = new MemoryNetwork();
    const storage = { directory: "data", disk };
    const { group, machine } = await start(1, { storage }, network);
    await leaderOf([group]);
    expect(machine.words).toEqual(Array.from({ length: 57 }, (_, at) => command(at + 4)));
    expect(group.members().map(({ id }) => id)).toEqual([1]);
    expect(await group.propose("after")).toBe(58);
    const joined = await start(4, { join: true }, network);
    await group.addMember(member(4));
    await until("it has all", () => joined.machine.words.length === 58);
    expect(await joined.group.propose("from the new one")).toBe(59);
    await until("it has all", () => joined.machine.words.length === 59);
    expect(joined.machine.words).toEqual(machine.words);
    await group.close();
    const again = await start(1, { storage }, network);
    expect(again.group.members().map(({ id }) => id)).toEqual([1, 4]);
  });

  it("leaves files as any other member's, and is done once", async () => {
    const disk = await recorded();
    const before = await inspectFolder("data", { disk });
    await force(disk);
    const after = await inspectFolder("data", { disk });
    expect(after).toMatchObject({ clusterId: "recovered", id: 1, damages: [], lastIndex: 62 });
    expect(after.hardState).toEqual({ term: 3, vote: 1, commit: 62 });
    expect(after.membership.confState.voters).toEqual([1]);
    expect(data(after)).toEqual(data(before));
    expect(disk.paths().every((path) => /^data\/(log|snapshots)\//.test(path))).toBe(true);
    expect(await force(disk)).toMatchObject({ changed: false, lastIndex: 62, removed: [] });
    expect(await inspectFolder("data", { disk })).toEqual(after);
    const old = openGroup({
      id: 1,
      clusterId: "recorded",
      transport: new MemoryNetwork().transport(1),
      stateMachine: new Words(),
      storage: { directory: "data", disk },
    });
    await expect(old).rejects.toMatchObject({ code: "wrong-cluster" });
  });

  it("leaves the old folder or the new one, whenever the power goes, and can be called again", async () => {
    const disk = await recorded();
    const before = await inspectFolder("data", { disk });
    const counting = copyOf(disk);
    const counted = new CrashPoint(counting);
    await force(counting);
    expect(counted.count).toBeGreaterThan(60);
    const hit = new Set<string>();
    const outcomes = { old: 0, new: 0 };
    for (let at = 0; at < counted.count; at++) {
      const random = generator(at);
      const crashed = copyOf(disk);
      const point = new CrashPoint(crashed, at);
      await expect(force(crashed), `operation ${at}`).rejects.toThrow();
      hit.add(point.hit!);
      losePower(crashed, random);
      // Power may go again while it is finished.
      if (random() < 0.5) {
        new CrashPoint(crashed, Math.floor(random() * 20));
        await startStorage(crashed).catch(() => {});
        losePower(crashed, random);
      }
      const started = await startStorage(crashed);
      const now = await inspectFolder("data", { disk: crashed });
      expect(now.damages, `operation ${at}`).toEqual([]);
      expect(now.clusterId, `operation ${at}`).toBe(started ? "recovered" : "recorded");
      outcomes[started ? "new" : "old"]++;
      if (!started) expect(data(now)).toEqual(data(before));
      await force(crashed);
      const after = await inspectFolder("data", { disk: crashed });
      expect(after, `operation ${at}`).toMatchObject({ clusterId: "recovered", damages: [] });
      expect(after.membership.confState.voters).toEqual([1]);
      expect(data(after)).toEqual(data(before));
    }
    expect([...hit].sort()).toEqual(
      ["create", "open", "read", "remove", "rename", "sync", "syncDirectory", "write"].sort(),
    );
    expect(outcomes.old).toBeGreaterThan(30);
    expect(outcomes.new).toBeGreaterThan(5);
  });

  it("leaves the folder as it was when there is no room beside it", async () => {
    const disk = await recorded();
    const before = disk.paths().map((path) => [path, Buffer.from(disk.content(path))]);
    for (const room of [0, 3000, 5000, 10_000]) {
      disk.faults.capacity = disk.used() + room;
      await expect(force(disk), `${room}`).rejects.toMatchObject({ code: "disk-full" });
      expect(disk.paths().map((path) => [path, Buffer.from(disk.content(path))])).toEqual(before);
    }
    disk.faults.capacity = Number.POSITIVE_INFINITY;
    expect((await force(disk)).changed).toBe(true);
  });

  it("refuses damage, another's folder, the old name and an empty folder", async () => {
    const disk = await recorded();
    await expect(
      forceNewCluster({ ...FORCED, disk, newClusterId: "recorded" }),
    ).rejects.toMatchObject({ code: "invalid-config" });
    await expect(forceNewCluster({ ...FORCED, disk, clusterId: "x" })).rejects.toMatchObject({
      code: "wrong-cluster",
    });
    await expect(forceNewCluster({ ...FORCED, disk, id: 2 })).rejects.toMatchObject({
      code: "wrong-cluster",
    });
    await expect(force(new MemoryDisk())).rejects.toMatchObject({ code: "invalid-config" });
    const path = disk.paths().find((one) => one.endsWith(".wal"))!;
    const bytes = disk.content(path);
    bytes[520]! ^= 1;
    disk.overwrite(path, bytes);
    const damaged = await force(disk).catch((error: unknown) => error);
    expect(damaged).toMatchObject({ code: "corrupt" });
    expect((damaged as Error).message).toMatch(/\.wal: offset \d+, after index \d+/);
    expect(Buffer.compare(disk.content(path), bytes)).toBe(0);
  });

  it.skipIf(process.platform !== "linux")("refuses while the member runs", async () => {
    await using folder = await temporaryFolder();
    const disk = new NodeDisk();
    const directory = `${folder.path}/member`;
    await recordFolder(disk, directory);
    const { group } = await start(1, { clusterId: "recorded", storage: { directory } });
    await expect(forceNewCluster({ ...FORCED, directory })).rejects.toThrow(/has it open/);
    await group.close();
    expect((await forceNewCluster({ ...FORCED, directory })).changed).toBe(true);
    await start(1, { storage: { directory } });
  });

  it("recovers a learner, a removed member, and one inside a joint change", async () => {
    const cases: [string, Entry[]][] = [
      [
        "learner",
        [
          changeEntry(4, ConfChangeType.RemoveNode, 1),
          changeEntry(5, ConfChangeType.AddLearnerNode, 1),
        ],
      ],
      ["removed", [changeEntry(4, ConfChangeType.RemoveNode, 1), normal(5)]],
      ["joint", [jointChange(4), normal(5)]],
    ];
    for (const [name, entries] of cases) {
      const disk = new MemoryDisk();
      const { wal } = await Wal.open({ disk, directory: "data/log", ...IDENTITY });
      const first = [1, 2, 3].map((id) => changeEntry(id, ConfChangeType.AddNode, id, 1));
      const hardState = { term: 2, vote: 0, commit: 3 };
      await wal.append({ entries: [...first, ...entries], hardState, sync: true });
      await wal.close();
      await force(disk);
      const { group } = await start(1, { storage: { directory: "data", disk } });
      await leaderOf([group]);
      expect(group.status().confState, name).toMatchObject({
        voters: [1],
        votersOutgoing: [],
        learners: [],
        learnersNext: [],
      });
      expect(group.members(), name).toMatchObject([{ id: 1, learner: false }]);
      expect(await group.propose("x"), name).toBeGreaterThan(0);
    }
  });
});
