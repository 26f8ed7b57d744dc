import { createMessage } from "../../src/core/message.js";
import { ConfChangeTransition, EntryType, MessageType, type NodeId } from "../../src/core/types.js";
import { lastValueOf, numberOf, numbersOf, parseBoolean, valuesOf } from "./arguments.js";
import { parseChanges } from "./changes.js";
import type { Command } from "./datadriven.js";
import { describeEntries, describeMessage, describeProgress, describeRole } from "./describe.js";
import { InteractionGroup } from "./interaction-group.js";
import type { InteractionNode } from "./interaction-node.js";
import { addNodes } from "./interaction-setup.js";
import { Output } from "./output.js";
import { errorText, ScriptError } from "./script-error.js";

const LEVELS: readonly string[] = ["DEBUG", "INFO", "WARN", "ERROR", "FATAL", "NONE"];

const TRANSITIONS: ReadonlyMap<string, ConfChangeTransition> = new Map([
  ["auto", ConfChangeTransition.Auto],
  ["implicit", ConfChangeTransition.JointImplicit],
  ["explicit", ConfChangeTransition.JointExplicit],
]);

/** A group of members driven by the commands of a script. */
export class InteractionScript {
  readonly #output = new Output();
  readonly #group = new InteractionGroup(this.#output);
  readonly #verbs: Readonly<Record<string, (command: Command) => void>> = {
    _breakpoint: () => {},
    "add-nodes": ({ args }) => addNodes(this.#group.nodes, args),
    campaign: (command) => this.#first(command).raw.campaign(),
    compact: (command) => this.#compact(command),
    "deliver-msgs": (command) => this.#deliver(command),
    "forget-leader": (command) => this.#first(command).raw.forgetLeader(),
    "log-level": ({ args }) => this.#setLevel(args[0]?.key ?? ""),
    "process-append-thread": (command) =>
      this.#forEach(command, "processing append thread", (n) => this.#group.processAppend(n)),
    "process-apply-thread": (command) =>
      this.#forEach(command, "processing apply thread", (n) => this.#group.processApply(n)),
    "process-ready": (command) =>
      this.#forEach(command, "handling Ready", (n) => this.#group.processReady(n)),
    propose: (command) => this.#propose(command),
    "propose-conf-change": (command) => this.#proposeConfChange(command),
    "raft-log": (command) => this.#raftLog(this.#first(command)),
    "raft-state": () => this.#raftState(),
    "report-unreachable": (command) => this.#reportUnreachable(command),
    "send-snapshot": (command) => this.#sendSnapshot(command),
    "set-randomized-election-timeout": (command) =>
      this.#first(command).raw.setElectionTimeout(numberOf(command, "timeout")),
    stabilize: (command) => this.#stabilize(command),
    status: (command) =>
      this.#output.write(describeProgress(this.#first(command).raw.status().progress)),
    "tick-election": (command) => this.#tick(command, "electionTick"),
    "tick-heartbeat": (command) => this.#tick(command, "heartbeatTick"),
    "transfer-leadership": (command) => this.#transfer(command),
  };

  /** Runs one command; returns what it prints. */
  run(command: Command): string {
    this.#output.reset();
    try {
      const verb = this.#verbs[command.name];
      if (verb === undefined) throw new ScriptError("unknown command");
      verb(command);
    } catch (error) {
      const text = errorText(error);
      if (this.#output.quiet) return text;
      this.#output.write(text);
    }
    return this.#output.toString() || "ok";
  }

  #first(command: Command): InteractionNode {
    return this.#group.node(numbersOf(command)[0] ?? 0);
  }

  #pair(command: Command): [InteractionNode, InteractionNode] {
    const ids = numbersOf(command);
    if (ids.length !== 2) throw new Error(`the script gives ${command.name} ${ids.length} members`);
    return [this.#group.node(ids[0]!), this.#group.node(ids[1]!)];
  }

  #forEach(command: Command, what: string, run: (node: InteractionNode) => void): void {
    const ids = numbersOf(command);
    for (const id of ids) {
      const node = this.#group.node(id);
      if (ids.length === 1) {
        run(node);
      } else {
        this.#output.line(`> ${id} ${what}`);
        this.#output.indent(() => run(node));
      }
    }
  }

  #setLevel(name: string): void {
    const level = name.toUpperCase();
    if (!LEVELS.includes(level)) {
      throw new ScriptError(`log levels must be either of [${LEVELS.join(" ")}]`);
    }
    this.#output.quiet = level === "NONE";
  }

  #tick(command: Command, kind: "electionTick" | "heartbeatTick"): void {
    const { raw, config } = this.#first(command);
    for (let i = 0; i < config[kind]; i++) raw.tick();
  }

  #compact(command: Command): void {
    const [id = 0, index = 0] = numbersOf(command);
    const node = this.#group.node(id);
    node.storage.compact(index);
    this.#raftLog(node);
  }

  #deliver(command: Command): void {
    const type = messageType(lastValueOf(command.args, "type"));
    const delivered = numbersOf(command);
    const recipients: [NodeId, boolean][] = command.args.flatMap(({ key, values }) => {
      if (values.length === 0) return [[Number(key), false]];
      return key === "drop" ? values.map((id): [NodeId, boolean] => [Number(id), true]) : [];
    });
    let count = 0;
    for (const [id, drop] of recipients) {
      if (drop && delivered.includes(id))
        throw new Error(`messages to ${id} delivered and dropped`);
      count += this.#group.deliver(id, type, drop);
    }
    if (count === 0) this.#output.line("no messages");
  }

  #raftLog({ storage }: InteractionNode): void {
    const first = storage.firstIndex();
    const last = storage.lastIndex();
    if (last < first) {
      this.#output.write(`log is empty: first index=${first}, last index=${last}`);
      return;
    }
    const entries = storage.entries(first, last + 1, Number.POSITIVE_INFINITY);
    this.#output.write(describeEntries(entries));
  }

  #raftState(): void {
    for (const node of this.#group.nodes) {
      const { id, role, term, lead, confState } = node.raw.status();
      const isVoter = confState.voters.includes(id) || confState.votersOutgoing.includes(id);
      const voter = isVoter ? "(Voter)" : "(Non-Voter)";
      this.#output.line(`${id}: ${describeRole(role)} ${voter} Term:${term} Lead:${lead}`);
    }
  }

  #sendSnapshot(command: Command): void {
    const [from, to] = this.#pair(command);
    const message = createMessage({
      type: MessageType.Snap,
      term: from.raw.basicStatus().term,
      from: from.id,
      to: to.id,
      snapshot: from.storage.snapshot(),
    });
    this.#group.messages.push(message);
    this.#output.write(describeMessage(message));
  }

  #reportUnreachable(command: Command): void {
    if (numbersOf(command).length !== 2) {
      throw new ScriptError(
        "must specify exactly two node indexes: node on which to report, and reported node",
      );
    }
    const [reporter, reported] = this.#pair(command);
    reporter.raw.reportUnreachable(reported.id);
  }

  #transfer(command: Command): void {
    const from = this.#group.node(numberOf(command, "from"));
    from.raw.transferLeader(this.#group.node(numberOf(command, "to")).id);
  }

  #propose(command: Command): void {
    const [member, data] = command.args;
    if (command.args.length !== 2 || data === undefined || data.values.length > 0) {
      throw new Error("the script gives propose something else than a member and a word");
    }
    this.#group.node(Number(member?.key)).raw.propose(new TextEncoder().encode(data.key));
  }

  #proposeConfChange(command: Command): void {
    const node = this.#first(command);
    const strange = command.args.find(
      ({ key, values }) => values.length > 0 && key !== "v1" && key !== "transition",
    );
    if (strange !== undefined) throw new ScriptError(`unknown command ${strange.key}`);
    const v1 = valuesOf(command.args, "v1").map(parseBoolean).at(-1) ?? false;
    const name = lastValueOf(command.args, "transition") ?? "auto";
    const transition = TRANSITIONS.get(name);
    if (transition === undefined) throw new ScriptError(`unknown transition ${name}`);
    const changes = parseChanges(command.input);
    if (v1 && (changes.length > 1 || transition !== ConfChangeTransition.Auto)) {
      throw new ScriptError("v1 conf change can only have one operation and no transition");
    }
    node.raw.proposeConfChange(
      { transition, changes, context: new Uint8Array(0) },
      v1 ? EntryType.ConfChange : EntryType.ConfChangeV2,
    );
  }

  #stabilize(command: Command): void {
    const quiet = this.#output.quiet;
    try {
      for (const level of valuesOf(command.args, "log-level")) this.#setLevel(level);
      const ids = numbersOf(command);
      const { nodes } = this.#group;
      this.#group.stabilize(ids.length === 0 ? nodes : ids.map((id) => this.#group.node(id)));
    } finally {
      this.#output.quiet = quiet;
    }
  }
}

function messageType(name: string | undefined): MessageType | null {
  if (name === undefined) return null;
  const found = Object.entries(MessageType).find(([key]) => `Msg${key}` === name);
  if (found === undefined) throw new Error(`the script names message type ${name}`);
  return found[1];
}
