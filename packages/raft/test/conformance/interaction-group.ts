import { isLocalTarget } from "../../src/core/message.js";
import {
  LOCAL_APPEND_THREAD,
  type Message,
  type MessageType,
  type NodeId,
} from "../../src/core/types.js";
import { describeMessage, describeReady } from "./describe.js";
import type { InteractionNode } from "./interaction-node.js";
import type { Output } from "./output.js";
import { errorText } from "./script-error.js";

/** Members, the messages between them, and what they do being printed. */
export class InteractionGroup {
  readonly nodes: InteractionNode[] = [];
  /** On their way, in the order they were sent. */
  messages: Message[] = [];
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  node(id: NodeId): InteractionNode {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new Error(`the script names member ${id}, which it never added`);
    return node;
  }

  processReady(node: InteractionNode): void {
    const ready = node.raw.ready();
    this.#output.write(describeReady(ready));
    const asynchronous = node.config.asyncStorageWrites === true;
    if (!asynchronous) {
      node.append(ready.hardState, ready.entries, ready.snapshot);
      node.apply(ready.committedEntries);
    }
    for (const message of ready.messages) {
      if (!isLocalTarget(message.to)) this.messages.push(message);
      else if (message.to === LOCAL_APPEND_THREAD) node.appendWork.push(message);
      else node.applyWork.push(message);
    }
    if (!asynchronous) node.raw.advance();
  }

  processAppend(node: InteractionNode): void {
    this.#work(node.appendWork, "append", ({ term, vote, commit, entries, snapshot }) => {
      const empty = term === 0 && vote === 0 && commit === 0;
      node.append(empty ? null : { term, vote, commit }, entries, snapshot);
    });
  }

  processApply(node: InteractionNode): void {
    this.#work(node.applyWork, "apply", ({ entries }) => node.apply(entries));
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
    this.messages.push(...message.responses);
  }

  /** Delivers or drops what is due at a member, of one type or of all; returns how many. */
  deliver(to: NodeId, type: MessageType | null, drop: boolean): number {
    const due = this.messages.filter((m) => isDue(m, to, type, drop));
    this.messages = this.messages.filter((m) => !isDue(m, to, type, drop));
    for (const message of due) {
      this.#output.line(`${drop ? "dropped: " : ""}${describeMessage(message)}`);
      // Members that do not exist yet can lose messages, but not take them.
      if (drop) continue;
      try {
        this.node(to).raw.step(message);
      } catch (error) {
        this.#output.line(errorText(error));
      }
    }
    return due.length;
  }

  /** Lets members work and exchange messages until nothing is left to do. */
  stabilize(nodes: readonly InteractionNode[]): void {
    let busy = true;
    const round = (
      what: string,
      pending: (node: InteractionNode) => boolean,
      run: (node: InteractionNode) => void,
    ) => {
      for (const node of nodes) {
        if (!pending(node)) continue;
        busy = true;
        this.#output.line(`> ${node.id} ${what}`);
        run(node);
      }
    };
    const indented = (run: () => void) => this.#output.indent(run);
    while (busy) {
      busy = false;
      round(
        "handling Ready",
        ({ raw }) => raw.hasReady(),
        (node) => indented(() => this.processReady(node)),
      );
      round(
        "receiving messages",
        ({ id }) => this.messages.some(({ to }) => to === id),
        ({ id }) => indented(() => void this.deliver(id, null, false)),
      );
      round(
        "processing append thread",
        ({ appendWork }) => appendWork.length > 0,
        (node) => {
          while (node.appendWork.length > 0) indented(() => this.processAppend(node));
        },
      );
      round(
        "processing apply thread",
        ({ applyWork }) => applyWork.length > 0,
        (node) => {
          while (node.applyWork.length > 0) indented(() => this.processApply(node));
        },
      );
    }
  }
}

/** Messages within a member are never dropped: storage threads are reliable. */
function isDue(m: Message, to: NodeId, type: MessageType | null, drop: boolean): boolean {
  const isLocal = m.from === m.to || isLocalTarget(m.from) || isLocalTarget(m.to);
  return m.to === to && !(drop && isLocal) && (type === null || m.type === type);
}
