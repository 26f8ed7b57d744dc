import type { IncomingMessage, ServerResponse } from "node:http";
import { NodeError } from "../errors.js";

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** The values of the pattern's `:names`, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
}

/** Looks at a request before it is routed; throws NodeError to refuse it. */
export type Guard = (path: string) => void;

export type Handler = (call: Call) => Promise<void> | void;

interface Route {
  readonly method: string;
  readonly parts: readonly string[];
  readonly handler: Handler;
}

/** Finds the handler of a request by method and path; `:name` matches one part of the path. */
export class Router {
  readonly #routes: Route[] = [];
  #guard: Guard = () => undefined;

  guard(guard: Guard): this {
    this.#guard = guard;
    return this;
  }

  on(method: string, pattern: string, handler: Handler): this {
    this.#routes.push({ method, parts: pattern.split("/"), handler });
    return this;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://node");
    this.#guard(url.pathname);
    const parts = url.pathname.split("/");
    const allowed: string[] = [];
    for (const { method, parts: pattern, handler } of this.#routes) {
      const parameters = match(pattern, parts);
      if (parameters === undefined) continue;
      if (method !== request.method) {
        allowed.push(method);
        continue;
      }
      const abort = new AbortController();
      response.once("close", () => abort.abort());
      const query = url.searchParams;
      await handler({ request, response, query, parameters, signal: abort.signal });
      return;
    }
    if (allowed.length > 0) {
      response.setHeader("allow", allowed.join(", "));
      throw new NodeError("bad-request", `${request.method} is not for ${url.pathname}`, {
        hint: `it takes ${allowed.join(", ")}`,
      });
    }
    throw new NodeError("not-found", `nothing at ${url.pathname}`);
  }
}

function match(
  pattern: readonly string[],
  parts: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [i, part] of pattern.entries()) {
    const actual = parts[i] ?? "";
    if (part.startsWith(":")) {
      try {
        parameters[part.slice(1)] = decodeURIComponent(actual);
      } catch {
        return undefined;
      }
    } else if (part !== actual) return undefined;
  }
  return parameters;
}

/** Largest request body, bytes: a unit file of 1 MiB, escaped. */
const BODY_LIMIT = 4 * 1024 * 1024;

/** The JSON body of a request. Anything but `application/json` is refused: no web page can send that unasked. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) {
    throw new NodeError("bad-request", "the request's content-type must be application/json");
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new NodeError("bad-request", "the body is larger than 4 MiB");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    throw new NodeError("bad-request", "the body is not JSON", { cause: error });
  }
}
