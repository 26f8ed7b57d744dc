import { RefusalMemory } from "../cluster/refusal-memory.js";
import type { UnitJob } from "../types.js";
import { type Glob, GlobIndex } from "./glob-index.js";
import { Interner } from "./interner.js";
import { Requests } from "./requests.js";
import type { StaticFit } from "./static-fit.js";
import { Templates, templateOf } from "./templates.js";
import { byName, type Kind, type SpreadGroup, UnitNode, type UnitRules } from "./unit-node.js";

const NONE: readonly never[] = [];

/** A glob begins (1) or ceases (−1) to match the name of a unit that is there already. */
type OnMatch = (unit: UnitNode, glob: Glob, by: 1 | -1) => void;

/** The units of a cluster, with everything by which they find each other. */
export class Units {
  readonly byName: Map<string, UnitNode> = new Map();
  readonly #fit: StaticFit;
  readonly #onMatch: OnMatch;
  readonly #templates = new Templates();
  readonly #globs = new GlobIndex(this.#templates);
  /** CPU, memory, tasks → what is asked for. */
  readonly #requests = new Map<number, Map<number, Map<number, Requests>>>();
  readonly #spreads = new Map<string, SpreadGroup>();
  readonly #kinds = new Interner<Kind>();
  /** Unit name → the units that name it in MachineOf=. */
  readonly #followers = new Map<string, Set<UnitNode>>();
  #globals: readonly UnitNode[] | undefined = NONE;

  constructor(fit: StaticFit, onMatch: OnMatch) {
    this.#fit = fit;
    this.#onMatch = onMatch;
  }

  /** Wanted global units, by name. */
  get globals(): readonly UnitNode[] {
    this.#globals ??= [...this.byName.values()]
      .filter((unit) => unit.global && unit.wanted)
      .sort(byName);
    return this.#globals;
  }

  /** What is known of the units that every rule treats as it treats this one. */
  kindOf(unit: UnitNode): Kind {
    unit.kind ??= this.#kinds.get(kindKey(unit), () => {
      const refusals = new RefusalMemory();
      return { refusals, unyielding: new RefusalMemory(), exhaustedAt: -1 };
    });
    return unit.kind;
  }

  /** Adds units that are not there. Those that match new globs, new and old, learn of that. */
  add(jobs: readonly UnitJob[]): UnitNode[] {
    const fresh: Glob[] = [];
    const added = jobs.map((job) => new UnitNode(job, this.#resolve(job, fresh)));
    if (this.byName.size > 0) this.#tellKnown(fresh);
    for (const unit of added) this.#index(unit);
    return added;
  }

  /** The unit must be nowhere. */
  remove(unit: UnitNode): void {
    this.byName.delete(unit.name);
    if (unit.global) this.#globals = undefined;
    for (const peer of unit.peers) {
      drop(this.#followers, peer, unit);
      if (!this.#followers.has(peer)) this.#setFollowers(peer, undefined);
    }
    this.#leaveTemplate(unit);
    for (const glob of unit.conflicts) this.#release(glob);
    if (unit.replaces !== undefined) this.#release(unit.replaces);
    for (const group of unit.spreads) if (--group.members === 0) this.#spreads.delete(group.id);
  }

  #resolve(job: UnitJob, fresh: Glob[]): UnitRules {
    const { fleet, requests, spread = NONE } = job;
    return {
      peers: fleet.global ? NONE : fleet.machineOf,
      conflicts: this.#declareAll(fleet.conflicts, fresh),
      replaces:
        fleet.replaces === undefined || fleet.global
          ? undefined
          : this.#declare(fleet.replaces, fresh),
      requests: this.#requestsOf(requests ?? {}),
      shape: this.#fit.shape(job),
      affinity: this.#fit.affinity(job),
      spreads: spread.length === 0 ? NONE : this.#spreadGroups(job.name, spread),
    };
  }

  #declareAll(patterns: readonly string[], fresh: Glob[]): readonly Glob[] {
    if (patterns.length === 0) return NONE;
    if (patterns.length === 1) return [this.#declare(patterns[0]!, fresh)];
    return [...new Set(patterns)].map((pattern) => this.#declare(pattern, fresh));
  }

  #declare(pattern: string, fresh: Glob[]): Glob {
    const glob = this.#globs.declare(pattern);
    if (glob.declarers === 1) fresh.push(glob);
    return glob;
  }

  #requestsOf(amounts: NonNullable<UnitJob["requests"]>): Requests {
    const { cpu = 0, memory = 0, tasks = 0 } = amounts;
    const byMemory = entry(this.#requests, cpu, () => new Map<number, Map<number, Requests>>());
    const byTasks = entry(byMemory, memory, () => new Map<number, Requests>());
    return entry(byTasks, tasks, () => new Requests(amounts));
  }

  #spreadGroups(name: string, keys: readonly string[]): SpreadGroup[] {
    const template = templateOf(name) ?? name;
    return [...new Set(keys)].map((key) => {
      const id = `${template}\0${key}`;
      const group = entry(this.#spreads, id, () => ({ id, key, counts: new Map(), members: 0 }));
      group.members++;
      return group;
    });
  }

  #index(unit: UnitNode): void {
    const { name } = unit;
    const template = this.#templates.of(name);
    unit.matches = this.#globs.matching(name, template);
    this.byName.set(name, unit);
    if (unit.global) this.#globals = undefined;
    for (const peer of unit.peers) {
      this.#setFollowers(peer, put(this.#followers, peer, unit));
    }
    if (this.#followers.size > 0) unit.followers = this.#followers.get(name);
    template?.units.push(unit);
  }

  #leaveTemplate(unit: UnitNode): void {
    const template = this.#templates.of(unit.name);
    if (template === undefined) return;
    const last = template.units.pop()!;
    if (last !== unit) template.units[template.units.indexOf(unit)] = last;
    this.#templates.prune(template);
  }

  #setFollowers(name: string, followers: Set<UnitNode> | undefined): void {
    const unit = this.byName.get(name);
    if (unit !== undefined) unit.followers = followers;
  }

  #tellKnown(fresh: readonly Glob[]): void {
    for (const glob of fresh) {
      for (const unit of this.#candidates(glob)) {
        if (glob.matches(unit.name)) this.#learn(unit, glob, 1);
      }
    }
  }

  #release(glob: Glob): void {
    if (!this.#globs.release(glob)) return;
    for (const unit of this.#candidates(glob)) {
      if (unit.matches.includes(glob)) this.#learn(unit, glob, -1);
    }
  }

  #learn(unit: UnitNode, glob: Glob, by: 1 | -1): void {
    const others = unit.matches.filter((other) => other !== glob);
    unit.matches = by === 1 ? [...others, glob] : others;
    unit.kind = undefined;
    this.#onMatch(unit, glob, by);
  }

  /** Units that may match: one, those of a template, or where neither is said, all. */
  #candidates(glob: Glob): Iterable<UnitNode> {
    if (glob.exact) {
      const unit = this.byName.get(glob.pattern);
      return unit === undefined ? NONE : [unit];
    }
    return glob.template?.units ?? this.byName.values();
  }
}

/** Units of the same key are refused alike. */
function kindKey(unit: UnitNode): string {
  const { job, shape, peers, conflicts, replaces, matches, requests, priority } = unit;
  const { cpu, memory, tasks } = requests;
  const ids = (globs: readonly Glob[]): string => globs.map(({ id }) => id).join();
  return (
    `${shape.id} ${job.fleet.machineId ?? ""} ${cpu} ${memory} ${tasks} ${priority} ` +
    `${ids(conflicts)} ${ids(matches)} ${replaces?.id ?? ""} ${peers.join()}`
  );
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

function put<K, V>(map: Map<K, Set<V>>, key: K, value: V): Set<V> {
  return entry(map, key, () => new Set<V>()).add(value);
}

function drop<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const set = map.get(key);
  set?.delete(value);
  if (set?.size === 0) map.delete(key);
}
