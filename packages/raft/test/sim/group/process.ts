import { RaftError } from "../../../src/index.js";
import {
  type Member,
  MemoryDisk,
  type MemoryNetwork,
  RaftGroup,
  type Transport,
} from "../../../src/node/index.js";
import type { Random } from "../../../src/testing/index.js";
import { Registers, type Write, writeCodec } from "./registers.js";
import type { Scenario } from "./scenario.js";
import type { ProcessClock, VirtualClock } from "./virtual-clock.js";

/** What the processes share. */
export interface World {
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly scenario: Scenario;
  readonly random: Random;
  readonly trace: (line: string) => void;
  readonly onApplied: (id: number, index: number, digest: number) => void;
  readonly onLeader: (id: number, term: number) => void;
  readonly onFault: (error: Error) => void;
}

/** One member: a disk that stays, and processes on it that come and go. */
export class SimulatedProcess {
  readonly id: number;
  readonly disk = new MemoryDisk();
  machine: Registers;
  /** Present while the member takes part. */
  group: RaftGroup<Write, number> | null = null;
  readonly #world: World;
  #join: boolean;
  #clock: ProcessClock | null = null;
  #transport: Transport | null = null;
  /** Failed syncs were asked for: the process may end by them. */
  failing = false;
  /** It was taken out of the group for good. */
  removed = false;

  constructor(id: number, world: World, join: boolean) {
    this.id = id;
    this.#world = world;
    this.#join = join;
    this.machine = new Registers(world.scenario.paddingBytes);
    this.disk.faults.beforeSync = () => this.#sync();
  }

  get isRunning(): boolean {
    return this.#clock !== null;
  }

  get pausedMs(): number {
    return Math.max(0, (this.#clock?.pausedUntil ?? 0) - this.#world.clock.now());
  }

  async start(members: readonly Member[]): Promise<void> {
    const { clock, network, scenario, random, trace } = this.#world;
    const own = clock.processClock();
    this.#clock = own;
    this.machine = new Registers(scenario.paddingBytes);
    this.machine.onApplied = (index, digest) => {
      if (!own.dead) this.#world.onApplied(this.id, index, digest);
    };
    this.#transport = network.transport(this.id);
    const draws = random.fork();
    try {
      const group = await RaftGroup.open<Write, number>({
        id: this.id,
        clusterId: "simulated",
        members,
        join: this.#join,
        storage: { directory: "d", disk: this.disk, segmentBytes: scenario.segmentBytes },
        transport: this.#transport,
        stateMachine: this.machine,
        codec: writeCodec,
        clock: own,
        random: () => draws.float(),
        ...scenario.group,
      });
      if (own.dead) return;
      this.group = group;
      group.on("leader", (leader, term) => {
        trace(`${this.id} follows ${leader} in ${term}`);
        if (leader === this.id) this.#world.onLeader(this.id, term);
      });
      group.on("snapshot", ({ index, source }) => trace(`${this.id} snapshot ${index} ${source}`));
      group.on("fatal", (error) => this.#failed(own, error));
      trace(`${this.id} started at ${this.machine.index}`);
    } catch (error) {
      this.#failed(own, error as Error);
    }
  }

  /** Power loss: the process ends between two of its callbacks. */
  crash(): void {
    const clock = this.#clock;
    if (!clock) return;
    const { random, scenario, trace } = this.#world;
    trace(`${this.id} crashes`);
    clock.dead = true;
    this.#clock = null;
    this.group = null;
    void this.#transport![Symbol.asyncDispose]();
    this.disk.faults.failSyncs = 0;
    this.failing = false;
    // In their order: a log whose last batch has a hole and its end is refused, as it promises, since
    // nobody can tell that from damage to what was acknowledged.
    const kept = random.int(scenario.tornSectors + 1);
    const seen = new Map<string, number>();
    this.disk.crash({
      keepSector: (path) => {
        const count = (seen.get(path) ?? 0) + 1;
        seen.set(path, count);
        return count <= kept;
      },
    });
  }

  pause(ms: number): void {
    if (this.#clock) this.#clock.pausedUntil = this.#world.clock.now() + ms;
  }

  failNextSync(): void {
    this.failing = true;
    this.disk.faults.failSyncs = 1;
  }

  async #sync(): Promise<void> {
    const { clock, random, scenario } = this.#world;
    if (scenario.syncMs > 0) await clock.sleep(random.int(scenario.syncMs + 1));
  }

  /** A process that cannot go on exits. */
  #failed(clock: ProcessClock, error: Error): void {
    if (clock.dead) return;
    const expected = RaftError.is(error) && error.code === "storage-failed" && this.failing;
    this.#world.trace(`${this.id} ends: ${error.message}`);
    if (!expected) this.#world.onFault(error);
    this.crash();
  }
}
