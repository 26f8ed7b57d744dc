import type {
  ApiError,
  ClusterInfo,
  Explanation,
  Health,
  JournalLine,
  MachineInfo,
  PutUnit,
  PutUnitResult,
  ServiceInfo,
  UnitDetail,
  UnitInfo,
  UnitStateInfo,
  UnitStatusReport,
} from "@flotilla/node/api";

/** An answer of the API that is an error. */
export class ApiFailure extends Error {
  readonly status: number;
  readonly body: ApiError | undefined;

  constructor(status: number, body: ApiError | undefined, url: string) {
    super(`${status} of ${url}: ${body?.error.message ?? "no body"}`);
    this.status = status;
    this.body = body;
  }
}

/** One node's API, as the harness asks it. */
export class ApiClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  health(): Promise<Health> {
    return this.#ask("GET", "/health");
  }

  cluster(): Promise<ClusterInfo> {
    return this.#ask("GET", "/flotilla/v1/cluster");
  }

  machines(): Promise<MachineInfo[]> {
    return this.#ask("GET", "/flotilla/v1/machines");
  }

  units(): Promise<UnitInfo[]> {
    return this.#ask("GET", "/flotilla/v1/units");
  }

  unit(name: string): Promise<UnitDetail> {
    return this.#ask("GET", `/flotilla/v1/units/${name}`);
  }

  states(): Promise<UnitStateInfo[]> {
    return this.#ask("GET", "/flotilla/v1/states");
  }

  put(name: string, body: PutUnit): Promise<PutUnitResult> {
    return this.#ask("PUT", `/flotilla/v1/units/${name}`, body);
  }

  destroy(name: string): Promise<void> {
    return this.#ask("DELETE", `/flotilla/v1/units/${name}`);
  }

  status(name: string): Promise<UnitStatusReport[]> {
    return this.#ask("GET", `/flotilla/v1/units/${name}/status`);
  }

  explain(name: string): Promise<Explanation> {
    return this.#ask("GET", `/flotilla/v1/units/${name}/explain`);
  }

  service(name: string): Promise<ServiceInfo> {
    return this.#ask("GET", `/flotilla/v1/services/${name}`);
  }

  async journal(name: string, lines = 100): Promise<JournalLine[]> {
    const response = await fetch(`${this.url}/flotilla/v1/units/${name}/journal?lines=${lines}`, {
      signal: AbortSignal.timeout(5_000),
    });
    const text = await response.text();
    if (!response.ok) throw new ApiFailure(response.status, JSON.parse(text), response.url);
    return text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as JournalLine);
  }

  async #ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      signal: AbortSignal.timeout(10_000),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    const text = await response.text();
    const parsed: unknown = text === "" ? undefined : JSON.parse(text);
    if (!response.ok) {
      throw new ApiFailure(response.status, parsed as ApiError | undefined, response.url);
    }
    return parsed as T;
  }
}
