import { MessageType, RaftError } from "../../../src/index.js";
import { type Member, MemoryNetwork } from "../../../src/node/index.js";
import { Random } from "../../../src/testing/index.js";
import { Clients } from "./clients.js";
import { SimulatedProcess, type World } from "./process.js";
import { drawScenario, type Scenario } from "./scenario.js";
import { VirtualClock } from "./virtual-clock.js";

export interface GroupSimulationOptions {
  readonly seed: number;
  /** Virtual seconds of faults. */
  readonly seconds: number;
  readonly trace?: (line: string) => void;
}

export interface GroupSimulationReport {
  readonly virtualSeconds: number;
  readonly operations: number;
  readonly dropped: number;
  readonly uncertain: number;
  readonly failedReads: number;
  readonly crashes: number;
  readonly changes: number;
  readonly snapshots: number;
}

/** Virtual milliseconds that a healed group has to agree and serve. */
const HEAL_MS = 120_000;

/**
 * Runs `RaftGroup`s, the driver with its log and snapshots on disks that lose power, on one virtual
 * clock through one seeded network. Throws what is wrong: members that applied different things, two
 * leaders of a term, a history that is not linearizable, a folder that does not open, a healed group
 * that does not serve.
 */
export async function simulateGroup(
  options: GroupSimulationOptions,
): Promise<GroupSimulationReport> {
  return await new GroupSimulation(options).run();
}

class GroupSimulation {
  readonly #seconds: number;
  readonly #clock = new VirtualClock();
  readonly #network = new MemoryNetwork({ clock: this.#clock });
  readonly #random: Random;
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #clients: Clients;
  readonly #trace: (line: string) => void;
  readonly #processes: SimulatedProcess[] = [];
  readonly #first: Member[];
  /** Digests by index, and leaders by term, of all members. */
  readonly #digests = new Map<number, { id: number; digest: number }>();
  readonly #leaders = new Map<number, number>();
  readonly #counts = { crashes: 0, changes: 0, snapshots: 0 };
  #fault: Error | null = null;
  #healed = false;
  #changing = false;

  constructor({ seed, seconds, trace = () => {} }: GroupSimulationOptions) {
    this.#seconds = seconds;
    this.#random = new Random(seed);
    this.#scenario = drawScenario(this.#random.fork());
    this.#trace = (line) => {
      if (line.includes(" snapshot ")) this.#counts.snapshots++;
      trace(`${this.#clock.now().toFixed(0).padStart(7)} ${line}`);
    };
    trace(JSON.stringify(this.#scenario));
    this.#first = Array.from({ length: this.#scenario.members }, (_, at) => memberOf(at + 1));
    this.#world = {
      clock: this.#clock,
      network: this.#network,
      scenario: this.#scenario,
      random: this.#random.fork(),
      trace: this.#trace,
      onApplied: (...applied) => this.#checkDigest(...applied),
      onLeader: (...leader) => this.#checkLeader(...leader),
      onFault: (error) => this.#fail(error),
    };
    this.#clients = new Clients(this.#clock, this.#random.fork(), this.#scenario, this.#trace);
    this.#disturbNetwork(this.#random.fork());
  }

  async run(): Promise<GroupSimulationReport> {
    for (const { id } of this.#first) void this.#add(id, false);
    const random = this.#random.fork();
    this.#repeat(this.#scenario.operationEvery, random.fork(), () => {
      const up = this.#running();
      if (up.length > 0) this.#clients.operate(random.pick(up));
    });
    this.#scheduleFaults(random);
    await this.#run(this.#seconds * 1000);
    await this.#heal();
    const fault = this.#clients.fault();
    if (fault) throw new Error(fault);
    const { done, dropped, uncertain, failedReads } = this.#clients.counts;
    const virtualSeconds = this.#clock.now() / 1000;
    const clients = { operations: done, dropped, uncertain, failedReads };
    return { virtualSeconds, ...clients, ...this.#counts };
  }

  async #run(ms: number, until: () => boolean = () => false): Promise<void> {
    await this.#clock.run(ms, () => this.#fault !== null || until());
    if (this.#fault) throw this.#fault;
  }

  #scheduleFaults(random: Random): void {
    const scenario = this.#scenario;
    const one = (work: (process: SimulatedProcess) => void) => (): void => {
      const up = this.#running();
      if (up.length > 0) work(random.pick(up));
    };
    this.#repeat(
      scenario.crashEvery,
      random.fork(),
      one((process) => this.#crash(process, random)),
    );
    this.#repeat(
      scenario.pauseEvery,
      random.fork(),
      one((process) => {
        process.pause(random.between(100, 3_000));
      }),
    );
    this.#repeat(
      scenario.failedSyncEvery,
      random.fork(),
      one((process) => {
        process.failNextSync();
        this.#restartLater(process, random);
      }),
    );
    this.#repeat(scenario.partitionEvery, random.fork(), () => this.#partition(random));
    this.#repeat(
      scenario.transferEvery,
      random.fork(),
      one((process) => {
        const to = random.pick(this.#processes).id;
        this.#ignore(process.group?.transferLeadership(to));
      }),
    );
    this.#repeat(
      scenario.snapshotEvery,
      random.fork(),
      one((process) => {
        this.#ignore(process.group?.takeSnapshot());
      }),
    );
    this.#repeat(
      scenario.churnEvery,
      random.fork(),
      one((process) => {
        this.#ignore(this.#change(process, random));
      }),
    );
  }

  /** Calls `work` again and again, `every` on average, until the group is healed. */
  #repeat(every: number, random: Random, work: () => void): void {
    if (every === 0) return;
    this.#clock.setTimeout(
      () => {
        if (this.#healed) return;
        work();
        this.#repeat(every, random, work);
      },
      random.between(1, 2 * every),
    );
  }

  #disturbNetwork(random: Random): void {
    const { drop, double, delayMs } = this.#scenario;
    const network = this.#network;
    network.filter = () => this.#healed || !random.chance(drop);
    network.copies = ({ type }) =>
      !this.#healed && type !== MessageType.Prop && random.chance(double) ? 2 : 1;
    network.delay = ({ to }) => {
      const paused = this.#processes.find(({ id }) => id === to)?.pausedMs ?? 0;
      return Math.max(paused, delayMs > 0 ? random.int(delayMs + 1) : 0);
    };
  }

  #partition(random: Random): void {
    const [a, b] = [random.pick(this.#processes).id, random.pick(this.#processes).id];
    const kind = random.pick(["isolate", "cut", "one way", "heal"] as const);
    this.#trace(`${a} ${kind} ${b}`);
    if (kind === "isolate") this.#network.isolate(a);
    else if (kind === "cut") this.#network.cut(a, b);
    else if (kind === "one way") this.#network.cutOneWay(a, b);
    else this.#network.heal();
    this.#clock.setTimeout(() => this.#network.heal(), random.between(200, 6_000));
  }

  #crash(process: SimulatedProcess, random: Random): void {
    process.crash();
    this.#counts.crashes++;
    this.#restartLater(process, random);
  }

  #restartLater(process: SimulatedProcess, random: Random): void {
    this.#clock.setTimeout(() => void this.#restart(process), random.between(10, 5_000));
  }

  async #restart(process: SimulatedProcess): Promise<void> {
    if (process.isRunning || process.removed) return;
    await process.start(this.#first);
  }

  async #add(id: number, join: boolean): Promise<SimulatedProcess> {
    const process = new SimulatedProcess(id, this.#world, join);
    this.#processes.push(process);
    await process.start(this.#first);
    return process;
  }

  /** One change of membership at a time, of one member or several. */
  async #change(process: SimulatedProcess, random: Random): Promise<void> {
    const { group } = process;
    if (!group || this.#changing) return;
    this.#changing = true;
    try {
      const voters = group.members().filter(({ learner }) => !learner);
      const learners = group.members().filter(({ learner }) => learner);
      const next = Math.max(...this.#processes.map(({ id }) => id)) + 1;
      const kind = random.pick(["learner", "promote", "replace", "demote", "swap"] as const);
      this.#trace(`${process.id} change ${kind}`);
      if (kind === "learner" && learners.length < 2) {
        await this.#add(next, true);
        await group.addLearner(memberOf(next));
      } else if (kind === "promote" && learners.length > 0) {
        await group.promote(learners[0]!.id);
      } else if (kind === "replace" && voters.length > 2) {
        const gone = random.pick(voters).id;
        await this.#add(next, true);
        await group.changeMembers([
          { type: "add", member: memberOf(next) },
          { type: "remove", id: gone },
        ]);
        this.#remove(gone);
      } else if (kind === "demote" && voters.length > 3) {
        await group.demote(random.pick(voters).id);
      } else if (kind === "swap" && learners.length > 0 && voters.length > 2) {
        await group.changeMembers([
          { type: "promote", id: learners[0]!.id },
          { type: "demote", id: random.pick(voters).id },
        ]);
      } else return;
      this.#counts.changes++;
    } finally {
      this.#changing = false;
    }
  }

  #remove(id: number): void {
    const process = this.#processes.find((one) => one.id === id)!;
    process.removed = true;
    process.crash();
  }

  /** All faults end: everybody who is a member must agree and serve. */
  async #heal(): Promise<void> {
    this.#trace("0 healed");
    this.#healed = true;
    this.#network.heal();
    const end = this.#clock.now() + HEAL_MS;
    for (const process of this.#processes) {
      process.pause(0);
      void this.#restart(process);
    }
    let served: boolean | null = null;
    while (served !== true) {
      if (this.#clock.now() >= end) throw new Error("the healed group does not serve");
      await this.#run(1_000);
      for (const process of this.#processes) void this.#restart(process);
      const members = this.#members();
      if (members.length === 0) continue;
      served = null;
      const tries = members.map((process) => this.#clients.write(process, 0));
      void Promise.all(tries).then((done) => {
        served = done.every(Boolean);
      });
      await this.#run(15_000, () => served !== null);
    }
    let agree: boolean | null = null;
    const reads = this.#members().map((process) => this.#clients.read(process, 0));
    void Promise.all(reads).then((done) => {
      agree = done.every(Boolean);
    });
    await this.#run(15_000, () => agree !== null);
    if (!agree) throw new Error("not every member of the healed group answers reads");
  }

  /** Those that the group counts among its voters, as a voter with the longest log sees it. */
  #members(): SimulatedProcess[] {
    const up = this.#running();
    const ahead = up.sort((a, b) => b.machine.index - a.machine.index)[0]?.group;
    if (!ahead) return [];
    const voters = ahead.status().confState.voters;
    return up.filter(({ id }) => voters.includes(id));
  }

  #running(): SimulatedProcess[] {
    return this.#processes.filter(({ group, removed }) => group !== null && !removed);
  }

  #checkDigest(id: number, index: number, digest: number): void {
    const known = this.#digests.get(index);
    if (!known) this.#digests.set(index, { id, digest });
    else if (known.digest !== digest) {
      this.#fail(new Error(`members ${known.id} and ${id} differ at ${index}`));
    }
  }

  #checkLeader(id: number, term: number): void {
    const known = this.#leaders.get(term) ?? id;
    this.#leaders.set(term, known);
    if (known !== id) this.#fail(new Error(`members ${known} and ${id} both lead in ${term}`));
  }

  #fail(error: Error): void {
    this.#fault ??= error;
  }

  /** What a fault makes impossible is no failure; anything but a RaftError is. */
  #ignore(work: Promise<unknown> | undefined): void {
    work?.catch((error: unknown) => {
      if (!RaftError.is(error)) this.#fail(error as Error);
    });
  }
}

function memberOf(id: number): Member {
  return { id, address: "", context: new Uint8Array(), learner: false };
}
