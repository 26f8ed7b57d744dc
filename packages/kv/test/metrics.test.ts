import { expect, test } from "vitest";
import { connect } from "../src/client/index.js";
import { startStore } from "../src/index.js";

test("metrics under etcd's names, with calls counted by how they ended", async () => {
  await using store = await startStore({ apiVersion: "3.4.23" });
  const [url = ""] = store.clientUrls;
  await using client = connect({ endpoints: [url] });
  await client.put("a", "1");
  await client.put("b", "1");
  await client.delete("b");
  await expect(client.leaseRevoke(9n)).rejects.toMatchObject({ code: "lease-not-found" });
  const ending = new AbortController();
  for await (const _ of client.watch("a", { startRevision: 1, signal: ending.signal })) {
    ending.abort();
  }
  const read = async (): Promise<string> => await (await fetch(`${url}/metrics`)).text();
  const watched =
    'grpc_server_handled_total{grpc_code="Canceled",grpc_method="Watch",' +
    'grpc_service="etcdserverpb.Watch",grpc_type="bidi_stream"} 1';
  await expect.poll(read).toContain(watched);
  const text = await read();
  for (const line of [
    'etcd_server_version{server_version="3.4.23"} 1',
    'etcd_cluster_version{cluster_version="3.4"} 1',
    "etcd_server_has_leader 1",
    "etcd_mvcc_put_total 2",
    "etcd_mvcc_delete_total 1",
    "etcd_debugging_mvcc_keys_total 1",
    'grpc_server_handled_total{grpc_code="OK",grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary"} 2',
    'grpc_server_handled_total{grpc_code="NotFound",grpc_method="LeaseRevoke",grpc_service="etcdserverpb.Lease",grpc_type="unary"} 1',
  ]) {
    expect(text.split("\n")).toContain(line);
  }
  expect((await client.status(url)).version).toBe("3.4.23");
});
