import { Buffer } from "node:buffer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StoreMember } from "../src/index.js";
import { startStore } from "../src/index.js";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("the JSON gateway", () => {
  let store: StoreMember;
  const post = async (path: string, body: unknown, init: RequestInit = {}): Promise<Response> =>
    await fetch(`${store.clientUrls[0]}${path}`, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...init,
    });

  beforeAll(async () => {
    store = await startStore({ maxConcurrentStreams: 2 });
  });
  afterAll(async () => await store.stop());

  test("bytes in base64, 64-bit numbers as strings, defaults left out", async () => {
    const put = await post("/v3/kv/put", { key: base64("a"), value: base64("1") });
    expect(await put.json()).toEqual({
      header: {
        cluster_id: String(store.clusterId),
        member_id: String(store.memberId),
        revision: "2",
        raft_term: expect.any(String),
      },
    });
    const range = await post("/v3beta/kv/range", { key: base64("a") });
    expect(await range.json()).toMatchObject({
      kvs: [{ key: base64("a"), create_revision: "2", value: base64("1") }],
      count: "1",
    });
    const granted = await post("/v3/lease/grant", '{"ID":6700277350535877584,"TTL":60}');
    expect(await granted.json()).toMatchObject({ ID: "6700277350535877584", TTL: "60" });
  });

  test.each([
    ["/v3/kv/range", "{}", 400, 3, "etcdserver: key is not provided"],
    ["/v3/kv/range", '{"nonsense":1}', 400, 3, "nonsense"],
    ["/v3/kv/range", "[", 400, 3, "JSON"],
    ["/v3/lease/revoke", '{"ID":"9"}', 404, 5, "etcdserver: requested lease not found"],
    ["/v3/auth/enable", "{}", 412, 9, "etcdserver: root user does not exist"],
    ["/v3/election/resign", "{}", 500, 2, '"leader" field must be provided'],
    ["/v3/nothing", "{}", 404, 5, "Not Found"],
  ])("%s %s is refused", async (path, body, status, code, message) => {
    const response = await post(path, body);
    expect(response.status).toBe(status);
    const answer = (await response.json()) as { error: string; message: string };
    expect(answer).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(answer.error).toBe(answer.message);
  });

  test("a watch tells a line for each response; others wait for a slot of as many as may run", async () => {
    const ending = new AbortController();
    const { signal } = ending;
    const create = { create_request: { key: base64("w"), start_revision: "1" } };
    const watches = await Promise.all([0, 1].map(() => post("/v3/watch", create, { signal })));
    const waiting = post("/v3/kv/range", { key: base64("a") });
    const first = await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 100))]);
    expect(first).toBeUndefined();
    await store.local.put("w", "1");
    let text = "";
    const decoder = new TextDecoder();
    const [{ body }] = watches as [Response];
    for await (const chunk of body as ReadableStream<Uint8Array>) {
      text += decoder.decode(chunk);
      if (text.includes("events")) break;
    }
    const lines = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { result: object });
    expect(lines[0]?.result).toMatchObject({ created: true });
    expect(lines[1]?.result).toMatchObject({ events: [{ kv: { value: base64("1") } }] });
    ending.abort();
    expect((await waiting).status).toBe(200);
  });

  test("lock and election: the next waits until the first has left", async () => {
    const key = async (response: Promise<Response>): Promise<string> =>
      ((await (await response).json()) as { key: string }).key;
    const first = await key(post("/v3/lock/lock", { name: base64("l") }));
    const second = key(post("/v3/lock/lock", { name: base64("l") }));
    expect(await Promise.race([second, new Promise((done) => setTimeout(done, 100))])).toBe(
      undefined,
    );
    await post("/v3/lock/unlock", { key: first });
    expect(await second).not.toBe(first);

    const campaign = async (value: string) =>
      (await (
        await post("/v3/election/campaign", { name: base64("e"), value: base64(value) })
      ).json()) as { leader: { rev: string } };
    const elected = await campaign("one");
    const observed = await post("/v3/election/leader", { name: base64("e") });
    expect(await observed.json()).toMatchObject({ kv: { value: base64("one") } });
    const next = campaign("two");
    const { leader } = elected;
    await post("/v3/election/proclaim", { leader, value: base64("uno") });
    await post("/v3/election/resign", { leader });
    expect(Number((await next).leader.rev)).toBeGreaterThan(Number(leader.rev));
    const late = await post("/v3/election/proclaim", { leader, value: base64("x") });
    expect(await late.json()).toMatchObject({ message: "election: not leader" });
  });
});
