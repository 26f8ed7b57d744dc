import { createMessage } from "../../core/message.js";
import {
  type ConfState,
  type Entry,
  EntryType,
  type Message,
  MessageType,
  type NodeId,
  Role,
} from "../../core/types.js";
import { EventQueue } from "../event-queue.js";
import { Invariants } from "../invariants/invariants.js";
import type { Random } from "../random.js";
import type { Scenario } from "../scenario/scenario.js";
import { type TraceEvent, type TraceFields, traceLine } from "../trace.js";
import { Clients } from "./clients.js";
import type { CoreBuild } from "./core-build.js";
import { type MemberContext, SimulatedMember } from "./member.js";
import { SimulatedNetwork } from "./network.js";
import type { Write } from "./register-machine.js";
import { fromWire, toWire } from "./wire-versions.js";

const NOBODY: ConfState = {
  voters: [],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};
/** Members that may take the place of lost ones in one run. */
const MAX_REPLACED = 12;
/** Virtual milliseconds after which a change that was proposed is in some log, or is never. */
const CHANGE_UNDER_WAY_MS = 12_000;
const ROLE_NAMES: readonly string[] = ["follower", "candidate", "leader", "pre-candidate"];
const TYPE_NAMES = new Map<number, string>(
  Object.entries(MessageType).map(([name, type]) => [type, name]),
);

/** Everybody who votes or learns in a configuration. */
export function everybody(confState: ConfState): NodeId[] {
  const { voters, learners, votersOutgoing } = confState;
  return [...new Set([...voters, ...learners, ...votersOutgoing])];
}

function isForwardedChange({ type, entries }: Message): boolean {
  return type === MessageType.Prop && entries.some((entry) => entry.type !== EntryType.Normal);
}

/** The simulated members with their network, clocks and clients. */
export class SimulatedGroup implements MemberContext {
  readonly queue: EventQueue = new EventQueue();
  readonly random: Random;
  readonly invariants: Invariants = new Invariants();
  readonly network: SimulatedNetwork<Uint8Array | null>;
  readonly clients: Clients;
  /** All that ever were, those that are lost for good too. */
  readonly members: Map<NodeId, SimulatedMember> = new Map();
  /** Those that are not lost. */
  present: SimulatedMember[] = [];
  /** The newest configuration that anybody applied, and where. */
  confState: ConfState = NOBODY;
  confIndex = 0;
  readonly #scenario: Scenario;
  readonly #builds: readonly CoreBuild[];
  readonly #trace: ((line: string) => void) | null;
  readonly #versions = new Map<NodeId, number>();
  readonly #paused = new Map<NodeId, number>();
  readonly #roles = new Map<NodeId, string>();
  #lastId = 0;
  #replaced = 0;
  #changeProposed = Number.NEGATIVE_INFINITY;

  constructor(
    random: Random,
    scenario: Scenario,
    builds: readonly CoreBuild[],
    trace: ((line: string) => void) | null,
  ) {
    this.random = random.fork();
    this.#scenario = scenario;
    this.#builds = builds;
    this.#trace = trace;
    this.network = new SimulatedNetwork(this.queue, random.fork(), scenario.network, {
      deliver: (message, wire) => this.#arrive(message, wire),
      lost: ({ from, to, type }) => this.#noteLost(from, to, type),
      snapshotSent: (from, to, ok) => this.members.get(from)?.reportSnapshot(to, ok),
      unreachable: (from, to) => this.members.get(from)?.reportUnreachable(to),
    });
    this.clients = new Clients(this, random.fork(), scenario);
    this.#found();
  }

  get config(): Scenario["member"]["config"] {
    return this.#scenario.member.config;
  }

  #found(): void {
    const { voters, spares } = this.#scenario;
    this.confState = { ...NOBODY, voters: Array.from({ length: voters }, (_, i) => i + 1) };
    this.confIndex = 1;
    this.invariants.founded(1);
    for (let i = 1; i <= voters + spares; i++) {
      const member = this.#add(++this.#lastId);
      if (i <= voters) {
        const metadata = { index: 1, term: 1, confState: this.confState };
        member.found({ metadata, data: member.machine.snapshot() });
      }
      this.start(member);
    }
  }

  #add(id: NodeId): SimulatedMember {
    const { member, priorities } = this.#scenario;
    const priority = priorities[(id - 1) % priorities.length];
    // Older builds know nothing of leases and would break them.
    const readOnly = this.#builds.length > 1 ? "safe" : (member.config.readOnly ?? "safe");
    const config = { ...member.config, readOnly, priority: priority ?? 0 };
    const joined = new SimulatedMember({ ...member, config, id }, this);
    const clocked = this.members.has(id);
    this.members.set(id, joined);
    this.present.push(joined);
    if (!clocked) this.#startClock(id);
    return joined;
  }

  #startClock(id: NodeId): void {
    const { tickMs, drift } = this.#scenario;
    const period = tickMs * (1 + drift * (2 * this.random.float() - 1));
    const tick = (): void => {
      const member = this.members.get(id)!;
      if (member.lost) return;
      this.queue.schedule(period, tick);
      if (this.pausedFor(id) === 0) member.tick();
    };
    this.queue.schedule(this.random.float() * period, tick);
  }

  start(member: SimulatedMember): void {
    if (member.node !== null || member.lost) return;
    const version = this.#versions.get(member.id) ?? 0;
    member.start(this.#builds[version % this.#builds.length]!);
    if (member.node !== null) this.note(member.id, "start", { version });
  }

  stop(member: SimulatedMember): void {
    if (member.node === null) return;
    member.crash();
    this.note(member.id, "stop");
  }

  /** The next start of a member is as the next version. */
  upgrade({ id }: SimulatedMember): void {
    const versions = Math.max(2, this.#builds.length);
    this.#versions.set(id, ((this.#versions.get(id) ?? 0) + 1) % versions);
  }

  /** Stops a member's clock and ears for a while, as a stalled process would. */
  pause(id: NodeId, ms: number): void {
    this.#paused.set(id, this.queue.now + ms);
  }

  pausedFor(id: NodeId): number {
    if (this.#paused.size === 0) return 0;
    return Math.max(0, (this.#paused.get(id) ?? 0) - this.queue.now);
  }

  /** Gives a member an input, at once or when it goes on. */
  whenAwake(id: NodeId, run: (member: SimulatedMember) => void): void {
    const wait = this.pausedFor(id);
    if (wait > 0) this.queue.schedule(wait, () => run(this.members.get(id)!));
    else run(this.members.get(id)!);
  }

  send(sent: Message): void {
    // An older build's messages lack the fields that came later: on the wire they are absent.
    const message = this.#builds.length > 1 ? createMessage(sent) : sent;
    if (this.#trace !== null) this.#noteSent(message);
    const newer = this.#scenario.wire === "bytes" && (this.#versions.get(message.from) ?? 0) > 0;
    this.network.send(message, this.#scenario.wire === "bytes" ? toWire(message, newer) : null);
  }

  #arrive(message: Message, wire: Uint8Array | null): void {
    const { to } = message;
    if (isForwardedChange(message) && this.isImpaired()) return;
    const received = wire === null ? message : fromWire(wire);
    this.whenAwake(to, (member) => member.receive(received));
  }

  /** The leader of the newest term, if it is up. */
  leader(): SimulatedMember | null {
    let leader: SimulatedMember | null = null;
    let term = -1;
    for (const member of this.present) {
      const status = this.invariants.status(member.id);
      if (member.node === null || status?.role !== Role.Leader || status.term <= term) continue;
      leader = member;
      term = status.term;
    }
    return leader;
  }

  /** Members of the configuration that are lost for good. */
  lostMembers(): NodeId[] {
    if (this.present.length === this.members.size) return [];
    return everybody(this.confState).filter((id) => this.members.get(id)!.lost);
  }

  /**
   * True while a member of the configuration is lost, or may turn out to be: nothing but its
   * replacement may come under way then, since `canLose` counted on the other members to stay.
   */
  isImpaired(): boolean {
    return everybody(this.confState).some((id) => {
      const { lost, inDoubt } = this.members.get(id)!;
      return lost || inDoubt;
    });
  }

  /** A change of the configuration is proposed somewhere. */
  changeProposed(): void {
    this.#changeProposed = this.queue.now;
  }

  /** True without a change under way, when every other voter is well and they are a majority. */
  canLose(id: NodeId): boolean {
    const { voters, votersOutgoing } = this.confState;
    if (this.#replaced >= MAX_REPLACED || votersOutgoing.length > 0) return false;
    if (this.queue.now < this.#changeProposed + CHANGE_UNDER_WAY_MS) return false;
    if (this.invariants.changePending(this.confIndex)) return false;
    for (const other of everybody(this.confState)) {
      const member = this.members.get(other)!;
      if (other === id) continue;
      if (member.lost || member.inDoubt || member.appliedIndex < this.confIndex) return false;
    }
    return !voters.includes(id) || (voters.length - 1) * 2 > voters.length;
  }

  /** A member loses its data for good, and a new one comes in its place. */
  lose(member: SimulatedMember): void {
    member.lose();
    this.note(member.id, "lose");
    this.#replace(member);
  }

  refused(member: SimulatedMember): void {
    this.note(member.id, "refuse");
    this.#replace(member);
  }

  #replace(lost: SimulatedMember): void {
    this.#replaced++;
    this.present = this.present.filter((member) => member !== lost);
    const id = this.#scenario.reuseIds ? lost.id : ++this.#lastId;
    this.note(lost.id, "join", { id });
    this.start(this.#add(id));
  }

  syncFailed(member: SimulatedMember): void {
    this.stop(member);
  }

  applied(member: SimulatedMember, entry: Entry, write: Write | null): void {
    this.invariants.applied(member.id, entry, member.machine.digest);
    if (this.#trace !== null) {
      this.note(member.id, "apply", { index: entry.index, term: entry.term });
    }
    if (write !== null) this.clients.applied(member, write);
  }

  readable(member: SimulatedMember, context: Uint8Array): void {
    this.clients.readable(member, context);
  }

  configured({ id }: SimulatedMember, index: number, confState: ConfState): void {
    if (this.#trace !== null) {
      const { voters, learners, votersOutgoing: outgoing } = confState;
      this.note(id, "configure", { index, voters, learners, outgoing });
    }
    if (index <= this.confIndex) return;
    this.confIndex = index;
    this.confState = confState;
  }

  stepped({ id }: SimulatedMember): void {
    if (this.#trace === null) return;
    const { role, term } = this.invariants.status(id)!;
    const fields = { is: ROLE_NAMES[role]!, term };
    const now = `${fields.is} ${term}`;
    if (this.#roles.get(id) === now) return;
    this.#roles.set(id, now);
    this.note(id, "role", fields);
  }

  note(member: NodeId | null, event: TraceEvent, fields?: TraceFields): void {
    this.#trace?.(traceLine(this.queue.now, member, event, fields));
  }

  #noteSent({ from, to, type, term, index, logTerm, commit, entries, reject }: Message): void {
    this.note(from, "send", {
      to,
      type: TYPE_NAMES.get(type)!,
      term,
      index,
      log: logTerm,
      commit,
      entries: entries.length,
      reject: reject ? 1 : 0,
    });
  }

  #noteLost(from: NodeId, to: NodeId, type: MessageType): void {
    if (this.#trace !== null) this.note(to, "lost", { from, type: TYPE_NAMES.get(type)! });
  }
}
