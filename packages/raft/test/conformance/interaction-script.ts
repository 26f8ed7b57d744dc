import { RaftError, type RaftErrorCode } from "../../src/core/errors.js";
import { createMessage, isLocalTarget } from "../../src/core/message.js";
import {
  ConfChangeTransition,
  EntryType,
  LOCAL_APPEND_THREAD,
  type Message,
  MessageType,
  type NodeId,
} from "../../src/core/types.js";
import type { Argument, Command } from "./datadriven.js";
import {
  describeEntries,
  describeMessage,
  describeProgress,
  describeReady,
  describeRole,
  parseChanges,
} from "./describe.js";
import type { InteractionNode } from "./interaction-node.js";
import { addNodes } from "./interaction-setup.js";
import { Output } from "./output.js";
import { ScriptError } from "./script-error.js";

/** What etcd's raft says where this package throws. */
const ERROR_TEXTS: Partial<Record<RaftErrorCode, string>> = {
  "proposal-dropped": "raft proposal dropped",
  "step-local-message": "raft: cannot step raft local message",
  "step-peer-not-found": "raft: cannot step as peer not found",
  compacted: "requested index is unavailable due to compaction",
  unavailable: "requested entry at index is unavailable",
  "snapshot-out-of-date": "requested index is older than the existing snapshot",
};

function errorText(error: unknown): string {
  if (error instanceof ScriptError) return error.message;
  if (RaftError.is(error)) return ERROR_TEXTS[error.code] ?? error.message;
  throw error;
}

/** A group of members, and the messages between them, driven by the commands of a script. */
export class InteractionScript {
  readonly nodes: InteractionNode[] = [];
  #messages: Message[] = [];
  readonly #output = new Output();

  /** Runs one command; returns what it prints. */
  run(command: Command): string {
    this.#output.reset();
    try {
      this.#dispatch(command);
    } catch (error) {
      const text = errorText(error);
      if (this.#output.quiet) return text;
      this.#output.write(text);
    }
    return this.#output.toString() || "ok";
  }

  #dispatch(command: Command): void {
    const { args } = command;
    const ids = args.filter(({ values }) => values.length === 0).map(({ key }) => Number(key));
    const first = () => this.#node(ids[0] ?? 0);
    switch (command.name) {
      case "_breakpoint":
        return;
      case "add-nodes":
        addNodes(this.nodes, args);
        return;
      case "campaign":
        first().raw.campaign();
        return;
      case "compact":
        first().storage.compact(ids[1] ?? 0);
        this.#raftLog(first());
        return;
      case "deliver-msgs":
        this.#deliverCommand(args);
        return;
      case "process-ready":
        this.#forEach(ids, "handling Ready", (node) => this.#processReady(node));
        return;
      case "process-append-thread":
        this.#forEach(ids, "processing append thread", (node) => this.#processAppend(node));
        return;
      case "process-apply-thread":
        this.#forEach(ids, "processing apply thread", (node) => this.#processApply(node));
        return;
      case "log-level":
        this.#setLevel(args[0]?.key ?? "");
        return;
      case "raft-log":
        this.#raftLog(first());
        return;
      case "raft-state":
        this.#raftState();
        return;
      case "set-randomized-election-timeout":
        first().raw.setElectionTimeout(Number(value(args, "timeout")));
        return;
      case "stabilize":
        this.#stabilizeCommand(ids, args);
        return;
      case "status":
        this.#output.write(describeProgress(first().raw.status().progress));
        return;
      case "tick-election":
        this.#tick(first(), first().config.electionTick);
        return;
      case "tick-heartbeat":
        this.#tick(first(), first().config.heartbeatTick);
        return;
      case "transfer-leadership":
        this.#node(Number(value(args, "from"))).raw.transferLeader(Number(value(args, "to")));
        return;
      case "forget-leader":
        first().raw.forgetLeader();
        return;
      case "send-snapshot":
        this.#sendSnapshot(first(), this.#node(ids[1] ?? 0));
        return;
      case "propose":
        first().raw.propose(new TextEncoder().encode(args[1]?.key ?? ""));
        return;
      case "propose-conf-change":
        this.#proposeConfChange(first(), command);
        return;
      case "report-unreachable":
        first().raw.reportUnreachable(this.#node(ids[1] ?? 0).id);
        return;
      default:
        throw new ScriptError("unknown command");
    }
  }

  #node(id: NodeId): InteractionNode {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new Error(`the script names member ${id}, which it never added`);
    return node;
  }

  #forEach(ids: readonly NodeId[], what: string, run: (node: InteractionNode) => void): void {
    for (const id of ids) {
      const node = this.#node(id);
      if (ids.length === 1) {
        run(node);
      } else {
        this.#output.line(`> ${id} ${what}`);
        this.#output.indent(() => run(node));
      }
    }
  }

  #setLevel(name: string): void {
    const levels = ["DEBUG", "INFO", "WARN", "ERROR", "FATAL", "NONE"];
    const level = name.toUpperCase();
    if (!levels.includes(level)) {
      throw new ScriptError(`log levels must be either of [${levels.join(" ")}]`);
    }
    this.#output.quiet = level === "NONE";
  }

  #tick(node: InteractionNode, count: number): void {
    for (let i = 0; i < count; i++) node.raw.tick();
  }

  #processReady(node: InteractionNode): void {
    const ready = node.raw.ready();
    this.#output.write(describeReady(ready));
    const asynchronous = node.config.asyncStorageWrites === true;
    if (!asynchronous) {
      node.append(ready.hardState, ready.entries, ready.snapshot);
      node.apply(ready.committedEntries);
    }
    for (const message of ready.messages) {
      if (!isLocalTarget(message.to)) this.#messages.push(message);
      else if (message.to === LOCAL_APPEND_THREAD) node.appendWork.push(message);
      else node.applyWork.push(message);
    }
    if (!asynchronous) node.raw.advance();
  }

  #processAppend(node: InteractionNode): void {
    this.#work(node.appendWork, "append", (m) => {
      const { term, vote, commit } = m;
      const empty = term === 0 && vote === 0 && commit === 0;
      node.append(empty ? null : { term, vote, commit }, m.entries, m.snapshot);
    });
  }

  #processApply(node: InteractionNode): void {
    this.#work(node.applyWork, "apply", (m) => node.apply(m.entries));
  }

  #work(queue: Message[], thread: string, perform: (message: Message) => void): void {
    const message = queue.shift();
    if (message === undefined) {
      this.#output.write(`no ${thread} work to perform`);
      return;
    }
    this.#output.line("Processing:");
    this.#output.line(describeMessage({ ...message, responses: [] }));
    perform(message);
    this.#output.line("Responses:");
    for (const response of message.responses) this.#output.line(describeMessage(response));
    this.#messages.push(...message.responses);
  }

  #deliverCommand(args: readonly Argument[]): void {
    const typeName = value(args, "type");
    let type: MessageType | null = null;
    if (typeName !== "") {
      const found = Object.entries(MessageType).find(([name]) => `Msg${name}` === typeName);
      if (found === undefined) throw new Error(`unknown message type ${typeName}`);
      type = found[1];
    }
    let count = 0;
    for (const { key, values } of args) {
      if (values.length === 0) count += this.#deliver(Number(key), type, false);
      else if (key === "drop")
        for (const id of values) count += this.#deliver(Number(id), type, true);
    }
    if (count === 0) this.#output.line("no messages");
  }

  #deliver(to: NodeId, type: MessageType | null, drop: boolean): number {
    const due = this.#messages.filter((m) => isDue(m, to, type, drop));
    this.#messages = this.#messages.filter((m) => !isDue(m, to, type, drop));
    for (const message of due) {
      this.#output.line(`${drop ? "dropped: " : ""}${describeMessage(message)}`);
      if (drop) continue;
      try {
        this.#node(to).raw.step(message);
      } catch (error) {
        this.#output.line(errorText(error));
      }
    }
    return due.length;
  }

  #raftLog(node: InteractionNode): void {
    const first = node.storage.firstIndex();
    const last = node.storage.lastIndex();
    if (last < first) {
      this.#output.write(`log is empty: first index=${first}, last index=${last}`);
      return;
    }
    const entries = node.storage.entries(first, last + 1, Number.POSITIVE_INFINITY);
    this.#output.write(describeEntries(entries));
  }

  #raftState(): void {
    for (const node of this.nodes) {
      const { id, role, term, lead, confState } = node.raw.status();
      const isVoter = confState.voters.includes(id) || confState.votersOutgoing.includes(id);
      const voter = isVoter ? "(Voter)" : "(Non-Voter)";
      this.#output.line(`${id}: ${describeRole(role)} ${voter} Term:${term} Lead:${lead}`);
    }
  }

  #sendSnapshot(from: InteractionNode, to: InteractionNode): void {
    const message = createMessage({
      type: MessageType.Snap,
      term: from.raw.status().term,
      from: from.id,
      to: to.id,
      snapshot: from.storage.snapshot(),
    });
    this.#messages.push(message);
    this.#output.write(describeMessage(message));
  }

  #proposeConfChange(node: InteractionNode, command: Command): void {
    const v1 = value(command.args, "v1") === "true";
    const name = value(command.args, "transition");
    const transition = TRANSITIONS[name];
    if (transition === undefined) throw new ScriptError(`unknown transition ${name}`);
    const changes = parseChanges(command.input);
    if (changes === null) throw new ScriptError(`unknown input: ${command.input}`);
    if (v1 && (changes.length > 1 || transition !== ConfChangeTransition.Auto)) {
      throw new ScriptError("v1 conf change can only have one operation and no transition");
    }
    node.raw.proposeConfChange(
      { transition, changes, context: new Uint8Array(0) },
      v1 ? EntryType.ConfChange : EntryType.ConfChangeV2,
    );
  }

  #stabilizeCommand(ids: readonly NodeId[], args: readonly Argument[]): void {
    const quiet = this.#output.quiet;
    const level = value(args, "log-level");
    if (level !== "") this.#setLevel(level);
    try {
      this.#stabilize(ids.length === 0 ? this.nodes : ids.map((id) => this.#node(id)));
    } finally {
      this.#output.quiet = quiet;
    }
  }

  /** Lets members work and exchange messages until nothing is left to do. */
  #stabilize(nodes: readonly InteractionNode[]): void {
    const output = this.#output;
    for (let done = false; !done; ) {
      done = true;
      for (const node of nodes) {
        if (!node.raw.hasReady()) continue;
        output.line(`> ${node.id} handling Ready`);
        output.indent(() => this.#processReady(node));
        done = false;
      }
      for (const node of nodes) {
        if (!this.#messages.some((m) => isDue(m, node.id, null, false))) continue;
        output.line(`> ${node.id} receiving messages`);
        output.indent(() => void this.#deliver(node.id, null, false));
        done = false;
      }
      for (const node of nodes) {
        if (node.appendWork.length === 0) continue;
        output.line(`> ${node.id} processing append thread`);
        while (node.appendWork.length > 0) output.indent(() => this.#processAppend(node));
        done = false;
      }
      for (const node of nodes) {
        if (node.applyWork.length === 0) continue;
        output.line(`> ${node.id} processing apply thread`);
        while (node.applyWork.length > 0) output.indent(() => this.#processApply(node));
        done = false;
      }
    }
  }
}

const TRANSITIONS: Readonly<Record<string, ConfChangeTransition | undefined>> = {
  "": ConfChangeTransition.Auto,
  auto: ConfChangeTransition.Auto,
  implicit: ConfChangeTransition.JointImplicit,
  explicit: ConfChangeTransition.JointExplicit,
};

function value(args: readonly Argument[], key: string): string {
  return args.find((arg) => arg.key === key)?.values[0] ?? "";
}

/** Messages within a member are never dropped: storage threads are reliable. */
function isDue(m: Message, to: NodeId, type: MessageType | null, drop: boolean): boolean {
  const isLocal = m.from === m.to || isLocalTarget(m.from) || isLocalTarget(m.to);
  return m.to === to && !(drop && isLocal) && (type === null || m.type === type);
}
