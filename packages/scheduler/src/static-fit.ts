import { MachineSet } from "./machine-set.js";
import type { MachineNode, Model, UnitNode } from "./model.js";

/**
 * Which machines a unit can have at all, by what never changes while a plan is made: draining,
 * MachineID and MachineMetadata. Units that ask for the same share one answer.
 */
export class StaticFit {
  readonly #model: Model;
  readonly #schedulable: MachineSet;
  readonly #answers = new Map<string, MachineSet>();
  readonly #byMetadata = new Map<string, MachineSet>();
  readonly #byId = new Map<string, number[]>();

  constructor(model: Model) {
    this.#model = model;
    this.#schedulable = new MachineSet(model.machines.length);
    for (const node of model.machines) this.#indexMachine(node);
  }

  machines(unit: UnitNode): MachineSet {
    const { machineId, machineMetadata, global } = unit.job.fleet;
    if (machineId === undefined && machineMetadata.size === 0) return this.#schedulable;
    const key = JSON.stringify([global ? undefined : machineId, [...machineMetadata]]);
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      answer = this.#compute(unit);
      this.#answers.set(key, answer);
    }
    return answer;
  }

  #compute(unit: UnitNode): MachineSet {
    let answer = this.#schedulable;
    const { machineId, machineMetadata, global } = unit.job.fleet;
    if (machineId !== undefined && !global) {
      const named = this.#byId.get(machineId) ?? [];
      answer = answer.intersect(MachineSet.of(this.#model.machines.length, named));
    }
    for (const [key, values] of machineMetadata) {
      const any = new MachineSet(this.#model.machines.length);
      for (const value of values) {
        const having = this.#byMetadata.get(metadataKey(key, value));
        if (having !== undefined) any.addAll(having);
      }
      answer = answer.intersect(any);
    }
    return answer;
  }

  #indexMachine({ rank, machine }: MachineNode): void {
    if (machine.schedulable) this.#schedulable.add(rank);
    for (const id of new Set([machine.id, machine.id.slice(0, 8)])) {
      const known = this.#byId.get(id);
      if (known === undefined) this.#byId.set(id, [rank]);
      else known.push(rank);
    }
    for (const [key, value] of Object.entries(machine.metadata)) {
      const name = metadataKey(key, value);
      let having = this.#byMetadata.get(name);
      if (having === undefined) {
        having = new MachineSet(this.#model.machines.length);
        this.#byMetadata.set(name, having);
      }
      having.add(rank);
    }
  }
}

/** NUL cannot stand in a unit file, so no other pair gives the same key. */
function metadataKey(key: string, value: string): string {
  return `${key}\0${value}`;
}
