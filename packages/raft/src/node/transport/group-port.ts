import type { Message, NodeId } from "../../index.js";
import type { Member, Transport, TransportHandlers } from "../types.js";
import type { GrpcHub } from "./grpc-hub.js";

/** One group's share of a process's connections. */
export class GroupPort implements Transport {
  readonly group: number;
  readonly #hub: GrpcHub;
  /** Present while the group is open. */
  handlers: TransportHandlers | null = null;
  /** The group's other members, by their ID: where they are dialled. */
  peers: ReadonlyMap<NodeId, string> = new Map();

  constructor(hub: GrpcHub, group: number) {
    this.#hub = hub;
    this.group = group;
  }

  async bind(): Promise<void> {
    await this.#hub.bind();
  }

  async start(handlers: TransportHandlers): Promise<void> {
    await this.#hub.open(this, handlers);
  }

  setPeers(peers: readonly Pick<Member, "id" | "address">[]): void {
    this.#hub.setPeers(this, peers);
  }

  send(messages: readonly Message[]): void {
    this.#hub.send(this, messages);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hub.leave(this);
  }
}
