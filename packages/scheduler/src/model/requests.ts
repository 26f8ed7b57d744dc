import { RefusalMemory } from "../cluster/refusal-memory.js";
import type { Resources } from "../types.js";

/** Memory that goes with one CPU on a usual machine: makes the two comparable. */
const MEMORY_PER_CPU = 4 * 1024 ** 3;

/** What units ask for; units that ask for the same share one object. */
export class Requests implements Resources {
  readonly cpu: number;
  readonly memory: number;
  readonly tasks: number;
  readonly none: boolean;
  /** How much of a usual machine it is: the larger of its share of CPUs and of memory. */
  readonly size: number;
  /** Machines that had too little room for it. */
  readonly refusals: RefusalMemory = new RefusalMemory();

  constructor({ cpu = 0, memory = 0, tasks = 0 }: Partial<Resources>) {
    this.cpu = cpu;
    this.memory = memory;
    this.tasks = tasks;
    this.none = cpu === 0 && memory === 0 && tasks === 0;
    this.size = Math.max(cpu / 1_000, memory / MEMORY_PER_CPU);
  }
}
