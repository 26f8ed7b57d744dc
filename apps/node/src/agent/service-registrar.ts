import { type KeyValue as DiscoveryStore, type Registration, register } from "@flotilla/discovery";
import type { Supervisor, UnitStatus } from "@flotilla/supervisor";
import type { Logger } from "pino";
import { messageOf } from "../errors.js";

export interface ServiceRegistrarOptions {
  readonly store: DiscoveryStore;
  readonly supervisor: Supervisor;
  /** Where others reach this machine's services. */
  readonly host: string;
  readonly machineId: string;
  readonly domain: string;
  readonly ttlSeconds: number;
  /** [X-Flotilla] of a loaded unit: which service it is and on which port. */
  readonly endpointOf: (unit: string) => { service: string; port: number } | undefined;
  readonly log: Logger;
}

/** Keeps the endpoints of running units in discovery: there while a unit is active, and only then. */
export class ServiceRegistrar implements AsyncDisposable {
  readonly #options: ServiceRegistrarOptions;
  readonly #stopListening: () => void;
  /** Unit → what was done last; every step of a unit waits for the one before. */
  readonly #chains = new Map<string, Promise<Registration | undefined>>();
  #stopped = false;

  constructor(options: ServiceRegistrarOptions) {
    this.#options = options;
    this.#stopListening = options.supervisor.onChange((status) => {
      if (!this.#stopped) this.#follow(status);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#stopListening();
    await Promise.all([...this.#chains.keys()].map((unit) => this.#enqueue(unit, false)));
  }

  #follow(status: UnitStatus): void {
    const present = status.active === "active" || status.active === "reloading";
    if (!present && !this.#chains.has(status.name)) return;
    this.#enqueue(status.name, present);
  }

  #enqueue(unit: string, present: boolean): Promise<Registration | undefined> {
    const before = this.#chains.get(unit) ?? Promise.resolve(undefined);
    const step = before.then((registration) => this.#step(unit, present, registration));
    this.#chains.set(unit, step);
    void step.then((registration) => {
      if (registration === undefined && this.#chains.get(unit) === step) this.#chains.delete(unit);
    });
    return step;
  }

  async #step(
    unit: string,
    present: boolean,
    registration: Registration | undefined,
  ): Promise<Registration | undefined> {
    const { log, endpointOf, store, host, machineId, domain, ttlSeconds } = this.#options;
    try {
      if (!present) {
        await registration?.deregister();
        return undefined;
      }
      const endpoint = endpointOf(unit);
      if (registration !== undefined || endpoint === undefined) return registration;
      const id = `${unit}@${machineId.slice(0, 8)}`;
      const made = await register(store, { ...endpoint, id, host, domain, ttlSeconds });
      log.info({ unit, ...endpoint, host }, "registered in discovery");
      return made;
    } catch (error) {
      log.warn({ unit, reason: messageOf(error) }, "discovery registration failed");
      return present ? registration : undefined;
    }
  }
}
