import { collectDefaultMetrics, Gauge, Registry } from "prom-client";

export interface NodeGauges {
  readonly machines: () => number;
  readonly units: () => number;
  readonly loadedUnits: () => number;
  readonly unplacedUnits: () => number;
  readonly engineLeading: () => boolean;
  readonly engineDecisions: () => number;
  readonly storeConnected: () => boolean;
  readonly storeRevision: () => number;
}

/** The node's own metrics, read when asked for, beside Node's. Prometheus names and base units. */
export function nodeMetrics(gauges: NodeGauges): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, read: () => number | boolean): void => {
    new Gauge({
      name: `flotilla_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(Number(read()));
      },
    });
  };
  gauge("machines", "Machines that are alive.", gauges.machines);
  gauge("units", "Unit files in the cluster.", gauges.units);
  gauge("units_loaded", "Units loaded on this machine.", gauges.loadedUnits);
  gauge("units_unplaced", "Units that should have a machine and have none.", gauges.unplacedUnits);
  gauge("engine_leading", "1 on the machine whose engine leads.", gauges.engineLeading);
  gauge("engine_decisions", "Decisions written since the start.", gauges.engineDecisions);
  gauge("store_connected", "1 while the store answers.", gauges.storeConnected);
  gauge("store_revision", "Revision of the newest change seen.", gauges.storeRevision);
  return registry;
}
