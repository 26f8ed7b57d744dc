import { type KeyValue, type StoreMember, startStore } from "@flotilla/kv";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ClusterView } from "../registry/cluster-view.js";
import { registryKeys } from "../registry/keys.js";
import { encodeRecord } from "../registry/records.js";
import { unitHash } from "../registry/registry.js";
import { UnitModels } from "../registry/unit-models.js";
import { ClusterPlanner } from "./cluster-planner.js";
import { Engine } from "./engine.js";

const keys = registryKeys("/flotilla/");
const log = pino({ level: "silent" });

let store: StoreMember;
let closers: AsyncDisposable[];

beforeEach(async () => {
  store = await startStore();
  closers = [];
});

afterEach(async () => {
  for (const closer of closers.reverse()) await closer[Symbol.asyncDispose]();
  await store.stop();
});

/** An engine with a view of its own, as each node has; `through` is how it reaches the store. */
async function startEngine(machineId: string, through: KeyValue = store.local) {
  const { id: lease } = await store.local.leaseGrant(60);
  const view = new ClusterView({ store: store.local, keys });
  view.start();
  closers.push(view);
  await vi.waitFor(() => expect(view.listed).toBe(true));
  const planner = new ClusterPlanner(view, new UnitModels());
  const presence = { lease, onRegistered: () => undefined };
  const options = { view, planner, presence, machineId, keys, log, intervalMs: 20 };
  const engine = new Engine({ store: through, ...options });
  closers.push(engine);
  return { engine, view };
}

/** The store, with something between an engine and its transactions. */
function withTransactions(txn: KeyValue["txn"]): KeyValue {
  return new Proxy(store.local, {
    get(target, name) {
      if (name === "txn") return txn;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function putMachine(id: string, schedulable = true): Promise<void> {
  const of = { name: id, ip: "127.0.0.1", metadata: {}, api: "", version: "", directoryId: id };
  const record = { id, ...of, bootId: id, schedulable };
  await store.local.put(keys.machine(id), encodeRecord("machine", record));
}

async function putUnit(name: string, options = ""): Promise<void> {
  const content = `[Service]\nExecStart=/bin/sleep 9\n[X-Fleet]\n${options}\n`;
  await store.local.put(
    keys.unit(name),
    encodeRecord("unit", { content, hash: unitHash(content) }),
  );
  await store.local.put(keys.desired(name), encodeRecord("desired", { state: "launched" }));
}

async function putUnits(count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, i) => `unit-${i}.service`);
  await Promise.all(names.map((name) => putUnit(name)));
  return names;
}

/** Unit → machine, as the store has it. */
async function schedule(): Promise<Map<string, string>> {
  const { kvs } = await store.local.range(keys.schedule(""), { prefix: true });
  return new Map(
    kvs.map(({ key, value }) => [
      Buffer.from(key).toString().slice(keys.schedule("").length),
      (JSON.parse(Buffer.from(value).toString()) as { machine: string }).machine,
    ]),
  );
}

const scheduled = (count: number) =>
  vi.waitFor(async () => expect((await schedule()).size).toBe(count), { timeout: 10_000 });

/** Something to wait for, and how to bring it about. */
function gate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe("Engine", () => {
  it("writes a plan in one transaction where it fits", async () => {
    await Promise.all(["m1", "m2"].map((id) => putMachine(id)));
    await putUnits(20);
    const sizes: number[] = [];
    const counting = withTransactions((request, options) => {
      sizes.push(request.success?.length ?? 0);
      return store.local.txn(request, options);
    });
    await startEngine("m1", counting);
    await scheduled(20);
    // The first one is the campaign.
    expect(sizes).toEqual([1, 20]);
  });

  it("cannot write once it is deposed, even when it sees its successor", async () => {
    await Promise.all(["m1", "m2"].map((id) => putMachine(id)));
    await putUnits(60);
    const { open, opened } = gate();
    let held = 0;
    let successes = 0;
    const slow = withTransactions(async (request, options) => {
      const leads = request.success?.[0]?.type === "put" && request.compare?.length === 1;
      if (leads) return store.local.txn(request, options);
      held++;
      await opened;
      const result = await store.local.txn(request, options);
      if (result.succeeded) successes++;
      return result;
    });
    const { view } = await startEngine("m1", slow);
    await vi.waitFor(() => expect(held).toBe(1));
    await store.local.delete(keys.engine);
    await store.local.put(keys.engine, "m2");
    await vi.waitFor(() => expect(view.engine?.value).toBe("m2"));
    open();
    await vi.waitFor(() => expect(held).toBeGreaterThanOrEqual(26));
    await vi.waitFor(() => expect(view.revision).toBeGreaterThan(0));
    expect(successes).toBe(0);
    expect(await schedule()).toEqual(new Map());
  });

  it("moves others while one is still stopping, and that one afterwards", async () => {
    await Promise.all(["m1", "m2"].map((id) => putMachine(id)));
    await putUnit("slow.service");
    await putUnit("beside.service", "MachineOf=slow.service");
    await putUnit("quick.service");
    for (const name of ["slow.service", "beside.service", "quick.service"]) {
      const record = encodeRecord("schedule", { machine: "m1", reason: "" });
      await store.local.put(keys.schedule(name), record);
    }
    const state = { load: "loaded", active: "deactivating", sub: "stop", mainPid: 1, restarts: 0 };
    const record = encodeRecord("state", { hash: "", launched: true, changedAt: 0, ...state });
    await store.local.put(keys.state("slow.service", "m1"), record);
    await putMachine("m1", false);
    await startEngine("m2");
    await vi.waitFor(async () =>
      expect(await schedule()).toEqual(new Map([["quick.service", "m2"]])),
    );
    await store.local.delete(keys.state("slow.service", "m1"));
    await scheduled(3);
    expect(new Set((await schedule()).values())).toEqual(new Set(["m2"]));
  });

  it("leaves no unit behind, whichever transaction of a plan the leader dies after", async () => {
    await Promise.all(["m1", "m2", "m3"].map((id) => putMachine(id)));
    const names = await putUnits(60);
    // The campaign, then three transactions of at most 25 units.
    for (let deadline = 0; deadline <= 4; deadline++) {
      let left = deadline;
      const dying = withTransactions(async (request, options) => {
        if (left-- <= 0) throw new Error("this engine is dead");
        return store.local.txn(request, options);
      });
      const first = await startEngine("m1", dying);
      await vi.waitFor(() => expect(left).toBeLessThanOrEqual(0), { timeout: 10_000 });
      await first.engine[Symbol.asyncDispose]();
      await store.local.delete(keys.engine);
      const { engine } = await startEngine("m2");
      await scheduled(names.length);
      const load = [...(await schedule()).values()].sort();
      expect(load.filter((id) => id === "m1")).toHaveLength(20);
      await engine.resign();
      await store.local.delete(keys.schedule(""), { prefix: true });
    }
  });

  it("schedules by what the machines have and the units ask for", async () => {
    await putMachine("m1");
    const of = { name: "m2", ip: "127.0.0.1", metadata: {}, api: "", version: "", directoryId: "" };
    const capacity = { cpu: 1_000, memory: 2 ** 30 };
    const record = { id: "m2", ...of, bootId: "", schedulable: true, capacity };
    await store.local.put(keys.machine("m2"), encodeRecord("machine", record));
    await putMachine("m1", false);
    await putUnit("small.service", "\n[X-Flotilla]\nCPU=0.5");
    await putUnit("large.service", "\n[X-Flotilla]\nCPU=75%");
    const { view } = await startEngine("m2");
    await scheduled(1);
    const planner = new ClusterPlanner(view, new UnitModels());
    const [waits] = planner.current().unplaced();
    expect(waits?.unit).toBe("small.service");
    expect(waits?.reason).toBe("draining on m1; less than 0.5 CPU free on m2");
  });
});
