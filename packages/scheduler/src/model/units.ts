import { RefusalMemory } from "../cluster/refusal-memory.js";
import type { UnitJob } from "../types.js";
import { type Glob, GlobIndex } from "./glob-index.js";
import { Interner } from "./interner.js";
import { count } from "./machine-node.js";
import { Requests } from "./requests.js";
import type { StaticFit } from "./static-fit.js";
import { byName, type Kind, type SpreadGroup, UnitNode, type UnitRules } from "./unit-node.js";

const NO_UNITS: ReadonlySet<UnitNode> = new Set();

/** A glob that was not there before, whose matches among the known units are still to be found. */
type Fresh = Set<Glob>;

/** The units of a cluster, with everything by which they find each other. */
export class Units {
  readonly byName: Map<string, UnitNode> = new Map();
  readonly #fit: StaticFit;
  readonly #globs = new GlobIndex();
  readonly #requests = new Interner<Requests>();
  readonly #spreads = new Map<string, SpreadGroup>();
  readonly #kinds = new Interner<Kind>();
  /** Unit name → the units that name it in MachineOf=. */
  readonly #followers = new Map<string, Set<UnitNode>>();
  /** What names begin with, up to the first "@" → the units. Names without one are not in here. */
  readonly #byTemplate = new Map<string, Set<UnitNode>>();
  #globals: readonly UnitNode[] | undefined = [];

  constructor(fit: StaticFit) {
    this.#fit = fit;
  }

  /** Wanted global units, by name. */
  get globals(): readonly UnitNode[] {
    this.#globals ??= [...this.byName.values()]
      .filter((unit) => unit.global && unit.wanted)
      .sort(byName);
    return this.#globals;
  }

  followersOf({ name }: UnitNode): ReadonlySet<UnitNode> {
    return this.#followers.get(name) ?? NO_UNITS;
  }

  /** Adds units that are not there. Those that match new globs, new and old, learn of that. */
  add(jobs: readonly UnitJob[]): UnitNode[] {
    const fresh: Fresh = new Set();
    const added = jobs.map((job) => new UnitNode(job, this.#resolve(job, fresh)));
    if (fresh.size > 0 && this.byName.size > 0) this.#tellKnown(fresh);
    for (const unit of added) {
      unit.matches = this.#globs.matching(unit.name);
      this.#index(unit);
    }
    return added;
  }

  /** The unit must be nowhere. */
  remove(unit: UnitNode): void {
    this.byName.delete(unit.name);
    if (unit.global) this.#globals = undefined;
    for (const peer of unit.peers) drop(this.#followers, peer, unit);
    const template = templatePrefix(unit.name);
    if (template !== undefined) drop(this.#byTemplate, template, unit);
    for (const glob of unit.conflicts) this.#release(glob);
    if (unit.replaces !== undefined) this.#release(unit.replaces);
    for (const group of unit.spreads) if (--group.members === 0) this.#spreads.delete(group.id);
  }

  /** What is known of the units that every rule treats as it treats this one. */
  kindOf(unit: UnitNode): Kind {
    unit.kind ??= this.#kinds.get(kindKey(unit), () => {
      const refusals = new RefusalMemory();
      return { refusals, unyielding: new RefusalMemory(), exhaustedAt: -1 };
    });
    return unit.kind;
  }

  #resolve(job: UnitJob, fresh: Fresh): UnitRules {
    const { fleet, requests, spread = [] } = job;
    const declare = (pattern: string): Glob => {
      const glob = this.#globs.declare(pattern);
      if (glob.declarers === 1) fresh.add(glob);
      return glob;
    };
    return {
      peers: fleet.global ? [] : fleet.machineOf,
      conflicts: [...new Set(fleet.conflicts)].map(declare),
      replaces: fleet.replaces === undefined || fleet.global ? undefined : declare(fleet.replaces),
      requests: this.#requestsOf(requests),
      shape: this.#fit.shape(job),
      affinity: this.#fit.affinity(job),
      spreads: spread.length === 0 ? [] : this.#spreadGroups(job.name, spread),
    };
  }

  #requestsOf(requests: UnitJob["requests"] = {}): Requests {
    const { cpu = 0, memory = 0, tasks = 0 } = requests;
    return this.#requests.get(`${cpu} ${memory} ${tasks}`, () => new Requests(requests));
  }

  #spreadGroups(name: string, keys: readonly string[]): SpreadGroup[] {
    const template = templatePrefix(name) ?? name;
    return [...new Set(keys)].map((key) => {
      const id = `${template}\0${key}`;
      let group = this.#spreads.get(id);
      if (group === undefined) {
        group = { id, key, counts: new Map(), members: 0 };
        this.#spreads.set(id, group);
      }
      group.members++;
      return group;
    });
  }

  #index(unit: UnitNode): void {
    this.byName.set(unit.name, unit);
    if (unit.global) this.#globals = undefined;
    for (const peer of unit.peers) put(this.#followers, peer, unit);
    const template = templatePrefix(unit.name);
    if (template !== undefined) put(this.#byTemplate, template, unit);
  }

  #tellKnown(fresh: Fresh): void {
    for (const glob of fresh) {
      for (const unit of this.#candidates(glob)) {
        if (glob.matches(unit.name)) learn(unit, glob, 1);
      }
    }
  }

  #release(glob: Glob): void {
    if (!this.#globs.release(glob)) return;
    for (const unit of this.#candidates(glob)) {
      if (unit.matches.includes(glob)) learn(unit, glob, -1);
    }
  }

  /** Units that may match: one, those of a template, or where neither is said, all. */
  #candidates(glob: Glob): Iterable<UnitNode> {
    if (glob.exact) {
      const unit = this.byName.get(glob.pattern);
      return unit === undefined ? [] : [unit];
    }
    const template = templatePrefix(glob.literal);
    if (template === undefined) return this.byName.values();
    return this.#byTemplate.get(template) ?? NO_UNITS;
  }
}

/** A glob that begins or ceases to match a unit's name. */
function learn(unit: UnitNode, glob: Glob, by: 1 | -1): void {
  if (by === 1) unit.matches.push(glob);
  else unit.matches = unit.matches.filter((other) => other !== glob);
  unit.kind = undefined;
  if (unit.machine !== undefined) count(unit.machine.matching, glob, by);
}

function kindKey(unit: UnitNode): string {
  const { job, shape, peers, conflicts, replaces, matches, requests, priority } = unit;
  const { cpu, memory, tasks } = requests;
  const ids = (globs: readonly Glob[]): string => globs.map(({ id }) => id).join();
  return (
    `${shape.id} ${job.fleet.machineId ?? ""} ${cpu} ${memory} ${tasks} ${priority} ` +
    `${ids(conflicts)} ${ids(matches)} ${replaces?.id ?? ""} ${peers.join()}`
  );
}

/** `web@` of `web@1.service`. */
function templatePrefix(name: string): string | undefined {
  const at = name.indexOf("@");
  return at < 0 ? undefined : name.slice(0, at + 1);
}

function put<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const set = map.get(key);
  if (set === undefined) map.set(key, new Set([value]));
  else set.add(value);
}

function drop<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const set = map.get(key);
  set?.delete(value);
  if (set?.size === 0) map.delete(key);
}
