import type { ConfState, Entry, Message, NodeId } from "../core/types.js";
import { Role } from "../core/types.js";
import { Clients } from "./clients.js";
import { EventQueue } from "./event-queue.js";
import { Invariants } from "./invariants.js";
import { type MemberContext, SimulatedMember } from "./member.js";
import { SimulatedNetwork } from "./network.js";
import type { Random } from "./random.js";
import type { Write } from "./register-machine.js";
import type { Scenario } from "./scenario.js";

const NOBODY: ConfState = {
  voters: [],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};

/** Everybody who votes or learns in a configuration. */
export function everybody(confState: ConfState): NodeId[] {
  const { voters, learners, votersOutgoing } = confState;
  return [...new Set([...voters, ...learners, ...votersOutgoing])];
}

/** The simulated members with their network, clocks and clients. */
export class SimulatedGroup implements MemberContext {
  readonly queue: EventQueue = new EventQueue();
  readonly random: Random;
  readonly invariants: Invariants = new Invariants();
  readonly network: SimulatedNetwork;
  readonly clients: Clients;
  readonly members: Map<NodeId, SimulatedMember> = new Map();
  /** The newest configuration that anybody applied, and where. */
  confState: ConfState = NOBODY;
  confIndex = 0;
  readonly #scenario: Scenario;
  readonly #paused = new Map<NodeId, number>();
  readonly #trace: ((line: string) => void) | null;

  constructor(random: Random, scenario: Scenario, trace: ((line: string) => void) | null) {
    this.random = random.fork();
    this.#scenario = scenario;
    this.#trace = trace;
    this.network = new SimulatedNetwork(this.queue, random.fork(), scenario.network, {
      deliver: (message) => this.#deliver(message),
      snapshotSent: (from, to, ok) => this.members.get(from)?.reportSnapshot(to, ok),
      unreachable: (from, to) => this.members.get(from)?.reportUnreachable(to),
    });
    this.clients = new Clients(this.queue, random.fork(), scenario);
    this.#found();
  }

  get config(): Scenario["member"]["config"] {
    return this.#scenario.member.config;
  }

  get disks(): ReadonlyMap<NodeId, SimulatedMember> {
    return this.members;
  }

  #found(): void {
    const { voters, spares, member } = this.#scenario;
    this.confState = { ...NOBODY, voters: Array.from({ length: voters }, (_, i) => i + 1) };
    for (let id = 1; id <= voters + spares; id++) {
      const joined = new SimulatedMember({ ...member, id }, this);
      this.members.set(id, joined);
      if (id <= voters) {
        const metadata = { index: 1, term: 1, confState: this.confState };
        joined.storage.applySnapshot({ metadata, data: joined.machine.snapshot() });
      }
      joined.start();
      this.#startClock(joined);
    }
  }

  #startClock(member: SimulatedMember): void {
    const { tickMs, drift } = this.#scenario;
    const period = tickMs * (1 + drift * (2 * this.random.float() - 1));
    const tick = (): void => {
      this.queue.schedule(period, tick);
      if (!this.#isPaused(member.id)) member.tick();
    };
    this.queue.schedule(this.random.float() * period, tick);
  }

  /** Stops a member's clock and ears for a while, as a stalled process would. */
  pause(id: NodeId, ms: number): void {
    this.#paused.set(id, this.queue.now + ms);
  }

  #isPaused(id: NodeId): boolean {
    return (this.#paused.get(id) ?? 0) > this.queue.now;
  }

  #deliver(message: Message): void {
    const wait = (this.#paused.get(message.to) ?? 0) - this.queue.now;
    if (wait > 0) this.queue.schedule(wait, () => this.members.get(message.to)?.receive(message));
    else this.members.get(message.to)?.receive(message);
  }

  /** The leader of the newest term, if it is up. */
  leader(): SimulatedMember | null {
    let leader: SimulatedMember | null = null;
    let term = -1;
    for (const member of this.members.values()) {
      const status = member.node?.basicStatus();
      if (status?.role !== Role.Leader || status.term <= term) continue;
      leader = member;
      term = status.term;
    }
    return leader;
  }

  /** A member that is up, or null. */
  anyMember(): SimulatedMember | null {
    const up = [...this.members.values()].filter((member) => member.node !== null);
    return up.length === 0 ? null : this.random.pick(up);
  }

  note(line: () => string): void {
    this.#trace?.(`${this.queue.now.toFixed(1)} ${line()}`);
  }

  send(message: Message): void {
    this.network.send(message);
  }

  applied(member: SimulatedMember, entry: Entry, write: Write | null): void {
    this.note(() => `${member.id} applied ${entry.term}/${entry.index}`);
    if (write !== null) this.clients.applied(member, write);
  }

  readable(member: SimulatedMember, context: Uint8Array): void {
    this.clients.readable(member, context);
  }

  configured(member: SimulatedMember, index: number, confState: ConfState): void {
    this.note(() => `${member.id} at ${index} configured ${JSON.stringify(confState)}`);
    if (index <= this.confIndex) return;
    this.confIndex = index;
    this.confState = confState;
  }
}
