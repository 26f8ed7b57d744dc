import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { CliError } from "../errors.js";
import { ApiClient } from "./api-client.js";
import { parseEndpoints } from "./endpoints.js";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const client = (endpoints: string): ApiClient =>
  new ApiClient({ endpoints: parseEndpoints(endpoints), timeoutMs: 1_000 });

async function failure(work: Promise<unknown>): Promise<CliError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof CliError) return error;
  throw new Error(`expected a CliError, got ${String(error)}`);
}

it("goes on to the next endpoint when one cannot be reached", async () => {
  server.use(
    http.get("http://127.0.0.1:7001/flotilla/v1/units", () => HttpResponse.error()),
    http.get("http://127.0.0.1:7002/flotilla/v1/units", () => HttpResponse.json([])),
  );
  expect(await client("http://127.0.0.1:7001,http://127.0.0.1:7002").units()).toEqual([]);
});

it("does not ask another node when one answered with an error", async () => {
  let asked = 0;
  server.use(
    http.put("http://127.0.0.1:7001/flotilla/v1/units/a.service", () => {
      asked++;
      return HttpResponse.json(
        {
          error: {
            code: "bad-unit",
            message: "cannot be used",
            hint: "mend it",
            diagnostics: ["a.service:1:1: error: x"],
          },
        },
        { status: 400 },
      );
    }),
    http.put("http://127.0.0.1:7002/*", () => {
      asked += 100;
      return HttpResponse.json({});
    }),
  );
  const put = client("http://127.0.0.1:7001,http://127.0.0.1:7002").put("a.service", {
    content: "x",
    desired: "launched",
  });
  const error = await failure(put);
  expect(error).toMatchObject({
    code: "bad-unit",
    message: "cannot be used",
    hint: "mend it",
    details: ["a.service:1:1: error: x"],
    exitCode: 1,
  });
  expect(asked).toBe(1);
});

it("names every endpoint it tried", async () => {
  server.use(http.get("http://127.0.0.1:700*", () => HttpResponse.error()));
  const error = await failure(client("http://127.0.0.1:7001,http://127.0.0.1:7002").machines());
  expect(error.code).toBe("unreachable");
  expect(error.details.map((detail) => detail.slice(0, 21))).toEqual([
    "http://127.0.0.1:7001",
    "http://127.0.0.1:7002",
  ]);
});

it("reads a journal line by line, wherever the chunks break", async () => {
  const lines = [1, 2, 3].map((cursor) => JSON.stringify({ cursor, message: "ä" }));
  const bytes = new TextEncoder().encode(`${lines.join("\n")}\n`);
  server.use(
    http.get("http://127.0.0.1:7001/flotilla/v1/units/a.service/journal", ({ request }) => {
      expect(new URL(request.url).search).toBe("?follow=false&lines=3");
      const stream = new ReadableStream({
        start(controller) {
          for (let i = 0; i < bytes.length; i += 7) controller.enqueue(bytes.slice(i, i + 7));
          controller.close();
        },
      });
      return new HttpResponse(stream);
    }),
  );
  const seen: number[] = [];
  for await (const line of client("http://127.0.0.1:7001").journal("a.service", {
    lines: 3,
    follow: false,
  })) {
    expect(line.message).toBe("ä");
    seen.push(line.cursor);
  }
  expect(seen).toEqual([1, 2, 3]);
});

it("refuses what is no endpoint", () => {
  for (const text of ["localhost", "http://localhost", "https://a:1", ""]) {
    expect(() => parseEndpoints(text)).toThrow(/is no endpoint/);
  }
});
