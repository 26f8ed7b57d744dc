import { type NodeId, RaftError } from "../../index.js";

/** Calls that wait for a certain member to lead. */
export class Transfers {
  #waiting: {
    readonly to: NodeId;
    ticks: number;
    readonly resolve: () => void;
    readonly reject: (error: Error) => void;
  }[] = [];

  wait(to: NodeId, ticks: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ to, ticks, resolve, reject });
    });
  }

  leads(id: NodeId): void {
    for (const { to, resolve } of this.#waiting) if (to === id) resolve();
    this.#waiting = this.#waiting.filter(({ to }) => to !== id);
  }

  tick(): void {
    for (const one of this.#waiting) {
      if (--one.ticks > 0) continue;
      const message = `member ${one.to} did not become the leader`;
      one.reject(new RaftError("proposal-dropped", message));
    }
    this.#waiting = this.#waiting.filter(({ ticks }) => ticks > 0);
  }

  failAll(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
