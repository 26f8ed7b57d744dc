import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { createRuntime } from "@flotilla/container";
import { startDnsServer } from "@flotilla/discovery";
import { createSupervisor, type Supervisor } from "@flotilla/supervisor";
import type { Logger } from "pino";
import { advertised, formatAddress, parseAddress } from "./address.js";
import { Agent } from "./agent/agent.js";
import { machineCapacity } from "./agent/machine-capacity.js";
import { MachinePresence } from "./agent/machine-presence.js";
import { ServiceRegistrar } from "./agent/service-registrar.js";
import { StatePublisher } from "./agent/state-publisher.js";
import { ApiServer } from "./api/api-server.js";
import { clusterRoutes } from "./api/cluster-routes.js";
import { machineRoutes } from "./api/machine-routes.js";
import { Router } from "./api/router.js";
import { API_PREFIX, type ClusterInfo, type Health } from "./api/types.js";
import { UnitReader } from "./api/unit-info.js";
import { unitRoutes } from "./api/unit-routes.js";
import { checkReach } from "./config/check-reach.js";
import type { Config } from "./config/options.js";
import { type DataDirectory, openDataDirectory } from "./data-directory/data-directory.js";
import { ClusterPlanner } from "./engine/cluster-planner.js";
import { Engine } from "./engine/engine.js";
import { UnplacedReasons } from "./engine/unplaced-reasons.js";
import { messageOf, NodeError } from "./errors.js";
import { nodeMetrics } from "./metrics/node-metrics.js";
import { claimCluster } from "./registry/claim-cluster.js";
import { ClusterView } from "./registry/cluster-view.js";
import { registryKeys } from "./registry/keys.js";
import { Registry } from "./registry/registry.js";
import { UnitModels } from "./registry/unit-models.js";
import { sleep } from "./sleep.js";
import { openEmbeddedStore } from "./store/embedded-store.js";
import { openExternalStore } from "./store/external-store.js";
import type { NodeStore } from "./store/node-store.js";
import { VERSION } from "./version.js";

export interface NodeOptions {
  readonly config: Config;
  readonly log: Logger;
  /** Aborting ends a start that still waits for the store. */
  readonly signal: AbortSignal;
}

/** A running node. */
export interface FlotillaNode {
  readonly machineId: string;
  readonly apiUrl: string;
  readonly socket: string;
  readonly dns: string | undefined;
  /** Rejects when the node cannot go on; the process should exit. */
  readonly failed: Promise<never>;
  /** Stops the units, leaves the cluster, and closes everything in the reverse of its order. */
  drain(): Promise<void>;
}

interface Closer {
  readonly what: string;
  readonly close: () => Promise<void>;
  /** Says farewell in the store: not waited for where the store does not answer. */
  readonly farewell?: boolean;
}

/** How long a node that drains waits for a sign of the store, milliseconds. */
const FAREWELL_MS = 1_000;
/** How long it waits for the engine to take its units away, before it stops them itself. */
const MOVE_MS = 5_000;

/** A member that peers refuse, and that has no leader after so long, is in the wrong cluster; milliseconds. */
const STRANGER_MS = 5_000;

/**
 * Assembles a node: data directory, store, view of the cluster, runtime and supervisor, presence,
 * agent, engine, discovery, API. What was opened is closed again when a later part cannot start.
 */
export async function createNode(options: NodeOptions): Promise<FlotillaNode> {
  const closers: Closer[] = [];
  try {
    return await assemble(options, closers);
  } catch (error) {
    await closeAll(closers, options.log);
    throw error;
  }
}

async function assemble(options: NodeOptions, closers: Closer[]): Promise<FlotillaNode> {
  const { config, log } = options;
  checkReach(config);
  const directory = openDataDirectory(config["data-dir"], config["cluster-id"]);
  closers.push({ what: "data directory", close: async () => directory[Symbol.dispose]() });
  const { machineId } = directory;

  // What ends a start that still waits: being told to stop, or the store's own end.
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  const started = performance.now();
  let up = false;
  let opened: NodeStore | undefined;
  const store = await openStore(config, directory, log, (error) => {
    log.error({ reason: messageOf(error) }, "a peer was refused, or refused this member");
    // A member that is well hears of a leader soon: one stranger must not keep it from starting.
    const alone = opened?.describe().leader === undefined;
    if (up || !alone || performance.now() - started < STRANGER_MS) return;
    ending.abort(
      new NodeError("wrong-cluster", messageOf(error), {
        hint: "members of one cluster have the same --cluster-id and --initial-cluster",
        cause: error,
      }),
    );
  });
  opened = store;
  closers.push({ what: "store", close: () => store.close() });
  store.failed.catch((error: unknown) => ending.abort(error));
  const { keyValue } = store;

  const keys = registryKeys(config["key-prefix"]);
  const view = new ClusterView({
    store: keyValue,
    keys,
    onError: (error) => log.warn({ reason: messageOf(error) }, "the view of the cluster broke off"),
  });
  const models = new UnitModels();
  const planner = new ClusterPlanner(view, models);

  const supervisor = await startSupervisor(config, directory, log);
  closers.push({ what: "supervisor", close: () => supervisor.shutdown() });

  const router = new Router().guard((path) => {
    if (!path.startsWith(API_PREFIX) || view.listed) return;
    throw new NodeError("store-unavailable", "this node has not seen the cluster yet", {
      hint: "it starts, or waits for a majority of the store's members",
    });
  });
  const api = await ApiServer.start({
    router,
    address: parseAddress(config["listen-api"]),
    socket: directory.socket,
    log,
  });
  closers.push({ what: "api", close: () => api[Symbol.asyncDispose]() });

  const presence = new MachinePresence({
    store: keyValue,
    keys,
    ttlSeconds: config["machine-ttl"],
    log,
    record: {
      id: machineId,
      name: config.name,
      ip: config["public-ip"],
      metadata: config.metadata,
      capacity: machineCapacity(config.capacity),
      api: `http://${formatAddress(advertised(config["advertise-api"], api.address, config["public-ip"]))}`,
      version: VERSION,
      directoryId: directory.directoryId,
      bootId: randomUUID(),
      schedulable: true,
    },
  });

  let engine: Engine | undefined;
  if (config.engine) {
    engine = new Engine({
      store: keyValue,
      keys,
      view,
      presence,
      planner,
      machineId,
      intervalMs: config["engine-interval"] * 1_000,
      log: log.child({ part: "engine" }),
    });
  }
  const agent: Agent = new Agent({
    view,
    presence,
    supervisor,
    models,
    machineId,
    onLoaded: (name) => publisher.changed(name),
    ttlSeconds: config["machine-ttl"],
    intervalMs: 2_000,
    log: log.child({ part: "agent" }),
  });
  const publisher: StatePublisher = new StatePublisher({
    store: keyValue,
    keys,
    presence,
    supervisor,
    machineId,
    loadedUnit: (name) => agent.loadedUnit(name),
    log,
  });
  const registrar = new ServiceRegistrar({
    store: keyValue,
    supervisor,
    host: config["public-ip"],
    machineId,
    domain: config.domain,
    ttlSeconds: config["machine-ttl"],
    endpointOf(name) {
      const unit = view.units.get(name)?.value;
      const flotilla = unit && models.get(name, unit).model?.flotilla;
      if (flotilla?.service === undefined || flotilla.port === undefined) return undefined;
      return { service: flotilla.service, port: flotilla.port };
    },
    log,
  });

  const dns = await startDns(config, store, closers);
  mountRoutes();

  closers.push({ what: "view", close: () => view[Symbol.asyncDispose]() });
  closers.push({ what: "presence", close: () => presence.leave(), farewell: true });
  closers.push({
    what: "discovery",
    close: () => registrar[Symbol.asyncDispose](),
    farewell: true,
  });
  closers.push({ what: "states", close: () => publisher[Symbol.asyncDispose]() });
  if (engine) closers.push({ what: "engine", close: () => engine.resign(), farewell: true });
  closers.push({ what: "units", close: () => supervisor.shutdown() });
  closers.push({ what: "agent", close: () => agent[Symbol.asyncDispose]() });

  // From here on the node takes part; until here it could still refuse to.
  await claimCluster(keyValue, keys, config["cluster-id"], { log, signal });
  view.start();
  await presence.start(signal);
  up = true;

  const ttlMs = config["machine-ttl"] * 1_000;
  function health(): Health {
    const reachable = presence.lease !== undefined && presence.silentMs < ttlMs;
    if (reachable) return { status: "ok", machine: machineId, store: true };
    const reason = "the store has not answered for longer than the machine's TTL";
    return { status: "degraded", machine: machineId, store: false, reason };
  }

  function cluster(): ClusterInfo {
    const leader = view.engine?.value;
    return {
      version: VERSION,
      clusterId: config["cluster-id"],
      machine: machineId,
      name: config.name,
      store: store.describe(),
      ...(leader === undefined ? {} : { engine: leader }),
      ...(dns === undefined ? {} : { dns: dns.address }),
      domain: config.domain,
    };
  }

  function mountRoutes(): void {
    const registry = new Registry({ store: keyValue, keys, view });
    const unplaced = new UnplacedReasons(view, planner);
    const reader = new UnitReader(view, models, unplaced);
    const metrics = nodeMetrics({
      machines: () => view.machines.size,
      units: () => view.units.size,
      loadedUnits: () => supervisor.list().length,
      unplacedUnits: () => unplaced.size,
      engineLeading: () => engine?.leading ?? false,
      engineDecisions: () => engine?.decisions ?? 0,
      storeConnected: () => presence.silentMs < ttlMs,
      storeRevision: () => view.revision,
    });
    unitRoutes(router, { view, registry, planner, reader });
    machineRoutes(router, { view, supervisor, reader, machineId, publicIp: config["public-ip"] });
    clusterRoutes(router, {
      store: keyValue,
      view,
      domain: config.domain,
      health,
      cluster,
      metrics: () => metrics.metrics(),
      serviceNames: () => declaredServices(view, models),
    });
  }

  log.info({ machine: machineId, api: api.url, host: hostname() }, "node is up");
  return {
    machineId,
    apiUrl: api.url,
    socket: directory.socket,
    dns: dns?.address,
    failed: Promise.race([store.failed, presence.failed]),
    async drain() {
      await moveUnitsAway();
      await closeAll(closers, log, storeAnswers);
    },
  };

  async function storeAnswers(): Promise<boolean> {
    try {
      await keyValue.get(keys.cluster, { signal: AbortSignal.timeout(FAREWELL_MS) });
      return true;
    } catch {
      return false;
    }
  }

  /** Lets the engine take every unit away, each as soon as it stopped here: none waits for the slowest. */
  async function moveUnitsAway(): Promise<void> {
    if (supervisor.list().length === 0 || !(await storeAnswers())) return;
    await presence.cordon(AbortSignal.timeout(FAREWELL_MS)).catch(() => undefined);
    const start = performance.now();
    const isScheduledHere = (): boolean =>
      [...view.schedule.values()].some(({ value }) => value.machine === machineId);
    while (supervisor.list().length > 0) {
      const undecided = isScheduledHere() && performance.now() - start > MOVE_MS;
      if (undecided || !(await storeAnswers())) return;
      await sleep(100, AbortSignal.timeout(1_000));
    }
  }
}

async function openStore(
  config: Config,
  directory: DataDirectory,
  log: Logger,
  onPeerRefused: (error: Error) => void,
): Promise<NodeStore> {
  if (config.store !== "embedded") return openExternalStore(config.store);
  const members = config["initial-cluster"];
  if (Object.keys(members).length > 0 && members[config.name] === undefined) {
    throw new NodeError(
      "bad-option",
      `--initial-cluster: does not name this member, "${config.name}"`,
      {
        hint: `give --name one of ${Object.keys(members).join(", ")}`,
      },
    );
  }
  return openEmbeddedStore(
    config,
    { directory: directory.store },
    {
      onPeerRefused,
      onForced: ({ done, removed, uncommitted }) => {
        const lost = removed.map(({ name, id }) => name || id.toString(16));
        const what = done
          ? "the store goes on as a new cluster: leave --force-new-cluster out from now on"
          : "the store was made a new cluster before: --force-new-cluster did nothing";
        log.warn({ removed: lost, uncommitted }, what);
      },
    },
  );
}

async function startSupervisor(
  config: Config,
  directory: DataDirectory,
  log: Logger,
): Promise<Supervisor> {
  const runtime = await createRuntime({
    directory: directory.runtime,
    cgroupParent: `flotilla/${directory.machineId}`,
    onWarning: ({ sandbox, pid, step, message }) =>
      log.warn({ unit: sandbox, pid, step, reason: message }, "a unit's setting was left out"),
  });
  const specifiers = { m: directory.machineId, H: config.name, l: config.name };
  log.debug("runtime is up");
  return createSupervisor({ runtime, directory: directory.units, specifiers });
}

async function startDns(
  config: Config,
  store: NodeStore,
  closers: Closer[],
): Promise<{ readonly address: string } | undefined> {
  if (config["listen-dns"] === "off") return undefined;
  const { host, port } = parseAddress(config["listen-dns"]);
  const server = await startDnsServer(store.keyValue, { host, port, domain: config.domain });
  closers.push({ what: "dns", close: () => server.close() });
  return { address: formatAddress({ host, port: server.port }) };
}

/** Services that some unit of the cluster declares. */
function declaredServices(view: ClusterView, models: UnitModels): string[] {
  const names = new Set<string>();
  for (const [name, { value }] of view.units) {
    const service = models.get(name, value).model?.flotilla.service;
    if (service !== undefined) names.add(service);
  }
  return [...names].sort();
}

/**
 * The last opened first; one that fails does not keep the others open. Farewells are not waited for
 * where the store is away, as when a whole cluster stops at once: leases tell of the end as well.
 */
async function closeAll(
  closers: Closer[],
  log: Logger,
  storeAnswers: () => Promise<boolean> = async () => false,
): Promise<void> {
  for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
    const { what, close, farewell = false } = closer;
    const closed = close().catch((error: unknown) => {
      log.warn({ what, reason: messageOf(error) }, "did not close cleanly");
    });
    if (!farewell || (await storeAnswers())) await closed;
  }
}
