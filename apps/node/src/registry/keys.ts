/**
 * Where things lie in the store. One prefix holds all of a cluster, so that one watch sees it all:
 *
 * | key under the prefix | value (JSON) | written by |
 * | --- | --- | --- |
 * | `cluster` | the cluster ID | the first node |
 * | `units/NAME` | the unit file and its hash | API |
 * | `desired/NAME` | inactive, loaded or launched | API |
 * | `schedule/NAME` | machine and reason | engine |
 * | `machines/ID` | the machine's record, under its lease | agent |
 * | `states/NAME/ID` | the unit's state there, under the machine's lease | agent |
 * | `engine` | machine ID of the leader, under its lease | engine |
 */
export interface RegistryKeys {
  readonly prefix: string;
  readonly cluster: string;
  readonly engine: string;
  unit(name: string): string;
  desired(name: string): string;
  schedule(name: string): string;
  machine(id: string): string;
  /** Prefix of a unit's states on all machines. */
  states(name: string): string;
  state(name: string, machine: string): string;
}

/** The keys under `prefix`, which is used as it is, with a `/` at its end. */
export function registryKeys(prefix: string): RegistryKeys {
  const root = prefix.endsWith("/") ? prefix : `${prefix}/`;
  return {
    prefix: root,
    cluster: `${root}cluster`,
    engine: `${root}engine`,
    unit: (name) => `${root}units/${name}`,
    desired: (name) => `${root}desired/${name}`,
    schedule: (name) => `${root}schedule/${name}`,
    machine: (id) => `${root}machines/${id}`,
    states: (name) => `${root}states/${name}/`,
    state: (name, machine) => `${root}states/${name}/${machine}`,
  };
}

/** A key's parts after the prefix: `["states", "web@1.service", "<machine>"]`. */
export function splitKey(keys: RegistryKeys, key: string): readonly string[] {
  return key.startsWith(keys.prefix) ? key.slice(keys.prefix.length).split("/") : [];
}
