import type { ServerResponse } from "node:http";
import { KvError, type KvErrorCode } from "@flotilla/kv";
import { messageOf, NodeError, type NodeErrorCode } from "../errors.js";
import type { ApiError } from "./types.js";

const STATUS: Partial<Record<NodeErrorCode, number>> = {
  "bad-request": 400,
  "bad-unit": 400,
  "unknown-unit": 404,
  "not-found": 404,
  "unit-differs": 409,
  "not-launched": 409,
  "forbidden-host": 403,
  "machine-unreachable": 502,
  "store-unavailable": 503,
};

/** What the store refuses although it is there: too large a request, a full quota. */
const REFUSALS: Partial<Record<KvErrorCode, number>> = {
  "request-too-large": 413,
  "no-space": 507,
};

/** Answers with an error's status and body; after the head is out the connection is cut instead. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const [status, body] = describe(error);
  sendJson(response, status, body);
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}

function describe(error: unknown): [number, ApiError] {
  if (NodeError.is(error)) {
    const { code, message, hint, diagnostics } = error;
    return [
      STATUS[code] ?? 500,
      {
        error: {
          code,
          message,
          ...(hint === undefined ? {} : { hint }),
          ...(diagnostics === undefined ? {} : { diagnostics }),
        },
      },
    ];
  }
  const refusal = KvError.is(error) ? REFUSALS[error.code] : undefined;
  if (refusal !== undefined) {
    return [refusal, { error: { code: "bad-request", message: messageOf(error) } }];
  }
  if (KvError.is(error) || isTimeout(error)) {
    const message = `the store did not take it: ${messageOf(error)}`;
    const hint = "is a majority of the store's members up? The cluster's units go on meanwhile";
    return [503, { error: { code: "store-unavailable", message, hint } }];
  }
  return [500, { error: { code: "failed", message: messageOf(error) } }];
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && ["TimeoutError", "AbortError"].includes(error.name);
}
