import type { Cluster } from "../cluster/cluster.js";
import type { MachineNode } from "../model/machine-node.js";
import type { UnitNode } from "../model/unit-node.js";
import type { Refusal } from "../types.js";

/** One rule about where a unit may run: asked often as a yes or no, and for its words only if no. */
export interface Filter {
  /** The option that it stands for. */
  readonly option: Refusal["option"];
  passes(unit: UnitNode, machine: MachineNode, cluster: Cluster): boolean;
  /** Why not, to be read before "on MACHINE"; asked only when `passes` said no. */
  explain(unit: UnitNode, machine: MachineNode, cluster: Cluster): string;
  /** The same without what differs from machine to machine, where there is such. */
  summarize?(unit: UnitNode): string;
}
