import fc from "fast-check";
import type { Command, Compare, RequestOp } from "../../src/api/types.js";
import { bytes, interval } from "./driven-store.js";

/** Few keys, so that they meet; with bytes that sort differently as text. */
export const someKey = fc.constantFrom("a", "a\0", "b", "ba", "\x80", "\xff", "m");
const someEnd = fc.constantFrom(undefined, "b", "c", "\xff", "\0");
const someLease = fc.constantFrom(0n, 0n, 0n, 1n, 2n);

const putRequest = fc
  .tuple(someKey, fc.string({ maxLength: 6 }), someLease)
  .map(([key, value, lease]) => ({ key: bytes(key), value: bytes(value), lease }));
const deleteRequest = fc.tuple(someKey, someEnd).map(([key, end]) => interval(key, end));

const op: fc.Arbitrary<RequestOp> = fc.oneof(
  putRequest.map((request) => ({ type: "put" as const, request })),
  deleteRequest.map((request) => ({ type: "delete" as const, request })),
  deleteRequest.map((request) => ({ type: "range" as const, request })),
);
const isAbsent = someKey.map(
  (key): Compare => ({ key: bytes(key), target: "version", result: "equal", revision: 0 }),
);
const ops = fc.array(op, { maxLength: 4 });

/** Any command; compactions are up to 10 revisions beyond the last, if there are so many. */
export const someCommand: fc.Arbitrary<Command | { type: "compact-by"; revisions: number }> =
  fc.oneof(
    {
      weight: 6,
      arbitrary: putRequest.map((request) => ({ type: "put" as const, request })),
    },
    {
      weight: 3,
      arbitrary: deleteRequest.map((request) => ({ type: "delete" as const, request })),
    },
    {
      weight: 3,
      arbitrary: fc
        .record({ compare: fc.array(isAbsent, { maxLength: 2 }), success: ops, failure: ops })
        .map((request) => ({ type: "txn" as const, request })),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(1n, 2n)
        .map((id) => ({ type: "lease-grant" as const, id, ttl: 9 })),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(1n, 2n).map((id) => ({ type: "lease-revoke" as const, id })),
    },
    {
      weight: 1,
      arbitrary: fc
        .integer({ min: 1, max: 10 })
        .map((revisions) => ({ type: "compact-by" as const, revisions })),
    },
  );

/** The command to send to a store that was compacted at `compactRevision`. */
export function commandAt(
  compactRevision: number,
  command: Command | { type: "compact-by"; revisions: number },
): Command {
  if (command.type !== "compact-by") return command;
  return { type: "compact", revision: compactRevision + command.revisions, physical: false };
}
