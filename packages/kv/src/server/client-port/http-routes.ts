import type { RequestListener, ServerResponse } from "node:http";
import type { Backend } from "../backend.js";
import type { Gateway } from "../gateway/gateway.js";
import { METRICS_TYPE, metricsText } from "../metrics.js";
import type { RpcCounts } from "../rpc-counts.js";

/** How long `/health` waits for a quorum, milliseconds; etcd's own limit. */
const HEALTH_MS = 1_000;

/** etcd's plain HTTP on the client port: `/v3/…`, `/metrics`, `/health`, `/livez`, `/readyz`, `/version`. */
export function httpRoutes(backend: Backend, gateway: Gateway, counts: RpcCounts): RequestListener {
  const { version } = backend;
  return (request, response) => {
    const path = new URL(request.url ?? "/", "http://store").pathname;
    if (gateway.handle(request, response, path)) return;
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET");
      answer(response, 405, { error: `${request.method} is not for ${path}` });
    } else if (path === "/version") {
      answer(response, 200, { etcdserver: version, etcdcluster: version });
    } else if (path === "/metrics") {
      response.writeHead(200, { "content-type": METRICS_TYPE });
      response.end(metricsText(backend, counts, version));
    } else if (path === "/livez") {
      answer(response, 200, { status: "ok" });
    } else if (path === "/health" || path === "/readyz") {
      void isHealthy(backend).then((healthy) => {
        const body = healthy
          ? { health: "true" }
          : { health: "false", reason: "no quorum answers" };
        answer(response, healthy ? 200 : 503, body);
      });
    } else answer(response, 404, { error: `nothing at ${path}` });
  };
}

async function isHealthy(backend: Backend): Promise<boolean> {
  try {
    await backend.log.readBarrier({ signal: AbortSignal.timeout(HEALTH_MS) });
    return true;
  } catch {
    return false;
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}
