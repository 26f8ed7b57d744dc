import {
  type ConfChange,
  ConfChangeTransition,
  type ConfChangeType,
  type Config,
  decodeConfChange,
  type Entry,
  EntryType,
  MemoryStorage,
  type Message,
  type MessageType,
  type NodeId,
  RaftError,
  RawNode,
  type ReadState,
  Role,
} from "../../src/index.js";

export type Options = Partial<Omit<Config, "id" | "storage" | "random">>;

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** A change of membership. */
export function change(type: ConfChangeType, ...ids: NodeId[]): ConfChange {
  return {
    transition: ConfChangeTransition.Auto,
    changes: ids.map((nodeId) => ({ type, nodeId })),
    context: text(""),
  };
}

/** A member with its storage and what came out of it. */
export class TestMember {
  readonly id: NodeId;
  readonly storage: MemoryStorage;
  node: RawNode;
  readonly applied: Entry[] = [];
  readonly reads: ReadState[] = [];
  readonly #options: Options;

  constructor(id: NodeId, storage: MemoryStorage, options: Options) {
    this.id = id;
    this.storage = storage;
    this.#options = options;
    this.node = this.restart();
  }

  /** A new core on what storage holds, as after a crash, with other options if need be. */
  restart(options: Options = {}): RawNode {
    this.node = new RawNode({
      electionTick: 10,
      heartbeatTick: 1,
      ...this.#options,
      ...options,
      id: this.id,
      storage: this.storage,
      random: () => 0,
    });
    return this.node;
  }

  /** Does the work that waits; returns the messages to others. */
  work(): Message[] {
    const messages: Message[] = [];
    while (this.node.hasReady()) {
      const ready = this.node.ready();
      if (ready.hardState !== null) this.storage.setHardState(ready.hardState);
      if (ready.snapshot !== null) this.storage.applySnapshot(ready.snapshot);
      this.storage.append(ready.entries);
      messages.push(...ready.messages);
      this.reads.push(...ready.readStates);
      for (const entry of ready.committedEntries) {
        this.applied.push(entry);
        if (entry.type === EntryType.Normal) continue;
        this.node.applyConfChange(decodeConfChange(entry.data, entry.type), entry.index);
      }
      this.node.advance();
    }
    return messages;
  }

  get data(): string[] {
    const decoder = new TextDecoder();
    return this.applied
      .filter(({ data }) => data.length > 0)
      .map(({ data }) => decoder.decode(data));
  }
}

/** Members on a network that delivers at once, but for what a test holds back. */
export class TestGroup {
  readonly members: TestMember[];
  /** Messages for which this is true are lost. */
  lose: (message: Message) => boolean = () => false;
  /** Everything that was delivered, in order. */
  readonly delivered: Message[] = [];

  /** The last `learners` of the members do not vote. */
  constructor(size: number, options: Options = {}, learners = 0) {
    const ids = Array.from({ length: size }, (_, i) => i + 1);
    const confState = {
      voters: ids.slice(0, size - learners),
      learners: ids.slice(size - learners),
      votersOutgoing: [],
      learnersNext: [],
      autoLeave: false,
    };
    this.members = ids.map((id) => {
      const storage = new MemoryStorage();
      storage.applySnapshot({ metadata: { index: 1, term: 1, confState }, data: text("") });
      return new TestMember(id, storage, options);
    });
  }

  member(id: NodeId): TestMember {
    return this.members[id - 1]!;
  }

  node(id: NodeId): RawNode {
    return this.member(id).node;
  }

  /** Works and delivers until nothing is left to do. */
  settle(): void {
    let messages: Message[];
    do {
      messages = this.members.flatMap((member) => member.work());
      for (const message of messages) this.deliver(message);
    } while (messages.length > 0);
  }

  deliver(message: Message): void {
    if (this.lose(message)) return;
    this.delivered.push(message);
    try {
      this.member(message.to).node.step(message);
    } catch (error) {
      // Answers of members that were just removed.
      if (!RaftError.is(error) || error.code !== "step-peer-not-found") throw error;
    }
  }

  /** Makes a member the leader. */
  elect(id: NodeId): void {
    this.node(id).campaign();
    this.settle();
    if (this.node(id).status().role !== Role.Leader) throw new Error(`${id} was not elected`);
  }

  /** Loses all messages from and to these members. */
  isolate(...ids: NodeId[]): void {
    this.lose = ({ from, to }) => ids.includes(from) !== ids.includes(to);
  }

  heal(): void {
    this.lose = () => false;
  }

  ticks(id: NodeId, count: number): void {
    for (let i = 0; i < count; i++) {
      this.node(id).tick();
      this.settle();
    }
  }

  role(id: NodeId): Role {
    return this.node(id).basicStatus().role;
  }

  term(id: NodeId): number {
    return this.node(id).basicStatus().term;
  }

  /** Proposes to the leader, and settles. */
  propose(id: NodeId, ...values: string[]): void {
    for (const value of values) this.node(id).propose(text(value));
    this.settle();
  }

  /** Compacts a member's log up to what it has applied. */
  compact(id: NodeId): void {
    const { storage, node } = this.member(id);
    const { applied, confState } = node.status();
    storage.createSnapshot(applied, confState, text(`state at ${applied}`));
    storage.compact(applied);
  }

  count(type: MessageType): number {
    return this.delivered.filter((message) => message.type === type).length;
  }
}
