import { Buffer } from "node:buffer";
import { startStore } from "@flotilla/kv";

const store = await startStore(); // in memory, on free loopback ports
await store.local.put("greeting", "ahoy");

const seen = (async () => {
  for await (const { events } of store.local.watch("greeting", { startRevision: 1 })) {
    return events.map(({ kv }) => Buffer.from(kv.value).toString());
  }
})();

console.log(await seen); // [ 'ahoy' ]
console.log(`etcdctl --endpoints=${new URL(store.clientUrls[0] ?? "").host} get greeting`);
await store.stop(); // nothing is left; `await using` does it by itself
