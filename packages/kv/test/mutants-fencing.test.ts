import { expect, it } from "vitest";
import type { Command, CommandResult } from "../src/api/types.js";
import { MvccStore } from "../src/store/mvcc-store.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Leases end while their holders still believe in them: only a comparison on the lock's key helps. */
it("a lock's holder whose lease has ended is fenced off by the create revision of its key", () => {
  const store = new MvccStore();
  let index = 0;
  const apply = (command: Command): CommandResult => {
    return store.apply([{ index: ++index, term: 1, command }])[0]!;
  };
  const lock = (lease: bigint): number => {
    const put = { key: bytes("lock"), value: bytes("held"), lease };
    apply({ type: "lease-grant", id: lease, ttl: 10 });
    apply({ type: "put", request: put });
    return store.revision;
  };
  const writeAsHolder = (held: number): boolean => {
    const request = {
      compare: [{ key: bytes("lock"), target: "create", result: "equal", revision: held } as const],
      success: [{ type: "put", request: { key: bytes("data"), value: bytes("x") } } as const],
      failure: [],
    };
    const done = apply({ type: "txn", request });
    return done.type === "txn" && done.result.succeeded;
  };
  const first = lock(1n);
  expect(writeAsHolder(first)).toBe(true);
  apply({ type: "lease-revoke", id: 1n });
  expect(writeAsHolder(first)).toBe(false);
  const second = lock(2n);
  expect(second).toBeGreaterThan(first);
  expect(writeAsHolder(first)).toBe(false);
  expect(writeAsHolder(second)).toBe(true);
});
