import { resolve } from "@flotilla/discovery";
import type { KeyValue } from "@flotilla/kv";
import { NodeError } from "../errors.js";
import type { ClusterView } from "../registry/cluster-view.js";
import { sendJson } from "./http-errors.js";
import type { Router } from "./router.js";
import {
  API_PREFIX,
  type ClusterInfo,
  type Health,
  type MachineInfo,
  type ServiceInfo,
} from "./types.js";

export interface ClusterRoutesOptions {
  readonly store: KeyValue;
  readonly view: ClusterView;
  readonly domain: string;
  readonly health: () => Health;
  readonly cluster: () => ClusterInfo;
  readonly metrics: () => Promise<string>;
  /** Names of the services that units declare. */
  readonly serviceNames: () => readonly string[];
}

/** The node, the cluster, its machines and its services. */
export function clusterRoutes(router: Router, options: ClusterRoutesOptions): void {
  const { view, store, domain } = options;
  const endpoints = async (service: string): Promise<ServiceInfo> => {
    const found = await resolve(store, service, { domain });
    return { service, endpoints: found.map(({ id, host, port }) => ({ id, host, port })) };
  };
  router
    .on("GET", "/health", ({ response }) => {
      const health = options.health();
      sendJson(response, health.status === "ok" ? 200 : 503, health);
    })
    .on("GET", "/metrics", async ({ response }) => {
      const text = await options.metrics();
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(text);
    })
    .on("GET", `${API_PREFIX}/cluster`, ({ response }) => {
      sendJson(response, 200, options.cluster());
    })
    .on("GET", `${API_PREFIX}/machines`, ({ response }) => {
      const machines: MachineInfo[] = [...view.machines.values()]
        .map(({ value: { id, name, ip, metadata, api, version } }) => ({
          id,
          name,
          ip,
          metadata,
          api,
          version,
        }))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
      sendJson(response, 200, machines);
    })
    .on("GET", `${API_PREFIX}/services`, async ({ response }) => {
      const names = options.serviceNames();
      sendJson(response, 200, await Promise.all(names.map(endpoints)));
    })
    .on("GET", `${API_PREFIX}/services/:name`, async ({ response, parameters }) => {
      const service = parameters["name"] ?? "";
      const info = await endpoints(service);
      if (info.endpoints.length === 0) {
        throw new NodeError("not-found", `no endpoint of service "${service}" is registered`, {
          hint: "a unit registers with Service= and Port= in [X-Flotilla] while it runs",
        });
      }
      sendJson(response, 200, info);
    });
}
