import http, { type ClientRequest, type IncomingMessage } from "node:http";
import type {
  ApiError,
  ClusterInfo,
  Explanation,
  JournalLine,
  MachineInfo,
  PutUnit,
  PutUnitResult,
  RestartResult,
  ServiceInfo,
  UnitDetail,
  UnitInfo,
  UnitStateInfo,
  UnitStatusReport,
} from "@flotilla/node/api";
import { CliError, messageOf } from "../errors.js";
import type { Endpoint } from "./endpoints.js";

const V1 = "/flotilla/v1";

export interface ApiClientOptions {
  readonly endpoints: readonly Endpoint[];
  /** Until an answer begins, milliseconds; fleetctl's --request-timeout. */
  readonly timeoutMs: number;
}

export interface JournalQuery {
  readonly lines?: number;
  readonly follow: boolean;
}

/** A cluster's API, asked through the first endpoint that can be connected to; reads, that answers. */
export class ApiClient {
  readonly #options: ApiClientOptions;

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  cluster(): Promise<ClusterInfo> {
    return this.#json("GET", `${V1}/cluster`);
  }

  machines(): Promise<MachineInfo[]> {
    return this.#json("GET", `${V1}/machines`);
  }

  units(): Promise<UnitInfo[]> {
    return this.#json("GET", `${V1}/units`);
  }

  states(): Promise<UnitStateInfo[]> {
    return this.#json("GET", `${V1}/states`);
  }

  unit(name: string): Promise<UnitDetail> {
    return this.#json("GET", path(name));
  }

  /** The unit, or undefined where the cluster does not have it. */
  async findUnit(name: string): Promise<UnitDetail | undefined> {
    try {
      return await this.unit(name);
    } catch (error) {
      if (error instanceof CliError && error.code === "unknown-unit") return undefined;
      throw error;
    }
  }

  put(name: string, body: PutUnit): Promise<PutUnitResult> {
    return this.#json("PUT", path(name), body);
  }

  async destroy(name: string): Promise<void> {
    await this.#json("DELETE", path(name));
  }

  restart(name: string): Promise<RestartResult> {
    return this.#json("POST", `${path(name)}/restart`, undefined, 200_000);
  }

  status(name: string): Promise<UnitStatusReport[]> {
    return this.#json("GET", `${path(name)}/status`);
  }

  explain(name: string): Promise<Explanation> {
    return this.#json("GET", `${path(name)}/explain`);
  }

  services(): Promise<ServiceInfo[]> {
    return this.#json("GET", `${V1}/services`);
  }

  /** Lines as they come; with `follow` without end, until the reader stops. */
  async *journal(name: string, query: JournalQuery): AsyncGenerator<JournalLine> {
    const parameters = new URLSearchParams({ follow: String(query.follow) });
    if (query.lines !== undefined) parameters.set("lines", String(query.lines));
    const response = await this.#open("GET", `${path(name)}/journal?${parameters}`);
    let rest = "";
    try {
      for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line !== "") yield JSON.parse(line) as JournalLine;
      }
    } finally {
      response.destroy();
    }
  }

  async #json<T>(method: string, path: string, body?: unknown, timeoutMs?: number): Promise<T> {
    const text = await readAll(await this.#open(method, path, body, timeoutMs));
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** The first endpoint that can be connected to; an answer that is an error is thrown. */
  async #open(
    method: string,
    path: string,
    body?: unknown,
    timeoutMs: number = this.#options.timeoutMs,
  ): Promise<IncomingMessage> {
    const failures: string[] = [];
    for (const endpoint of this.#options.endpoints) {
      let response: IncomingMessage;
      try {
        response = await ask(endpoint, method, path, body, timeoutMs);
      } catch (error) {
        failures.push(`${endpoint.text}: ${messageOf(error)}`);
        if (method === "GET" || wasNotSent(error)) continue;
        throw new CliError("the node took the request and did not answer: it may have been done", {
          code: "uncertain",
          details: failures,
          hint: "look at what is there before you repeat it",
        });
      }
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) return response;
      const text = await readAll(response);
      throw CliError.ofApi(status, parseError(text));
    }
    throw new CliError("no node of the cluster answers", {
      code: "unreachable",
      details: failures,
      hint: "is flotillad running? Name its API with --endpoint or FLOTILLA_ENDPOINT",
    });
  }
}

/** Errors of connecting: whatever comes later, the request may have had its effect. */
const UNSENT = ["ECONNREFUSED", "ENOENT", "EHOSTUNREACH", "ENETUNREACH", "EACCES", "ENOTFOUND"];

function wasNotSent(error: unknown): boolean {
  return UNSENT.includes(String((error as NodeJS.ErrnoException).code));
}

function path(unit: string): string {
  return `${V1}/units/${encodeURIComponent(unit)}`;
}

function ask(
  endpoint: Endpoint,
  method: string,
  path: string,
  body: unknown,
  timeoutMs: number,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const where =
      endpoint.type === "unix"
        ? { socketPath: endpoint.path }
        : { host: endpoint.host, port: endpoint.port };
    const payload = body === undefined ? "" : JSON.stringify(body);
    const call: ClientRequest = http.request(
      {
        ...where,
        method,
        path,
        agent: false,
        headers: {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(payload),
        },
      },
      (response) => {
        clearTimeout(timer);
        resolve(response);
      },
    );
    const timer = setTimeout(
      () => call.destroy(new Error(`no answer in ${timeoutMs / 1_000} s`)),
      timeoutMs,
    );
    call.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    call.end(payload);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) text += chunk;
  return text;
}

function parseError(text: string): ApiError | undefined {
  try {
    return JSON.parse(text) as ApiError;
  } catch {
    return undefined;
  }
}
