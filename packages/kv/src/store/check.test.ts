import { describe, expect, it } from "vitest";
import { codeThrown, del, get, nested, put } from "../../test/store/driven-store.js";
import type { RequestOp } from "../api/types.js";
import { checkTxn } from "./check.js";

const code = (success: RequestOp[], maxOps = 128) =>
  codeThrown(() => checkTxn({ compare: [], success, failure: [] }, maxOps));

describe("checkTxn", () => {
  it.each<[string, RequestOp[], string]>([
    ["different keys", [put("a"), put("b"), del("c"), get("a")], "ok"],
    ["a key put twice", [put("a"), put("a")], "duplicate-key"],
    ["a key put and deleted", [put("a"), del("a")], "duplicate-key"],
    ["a key put in a deleted interval", [del("a", "c"), put("b")], "duplicate-key"],
    ["a put at the open end of an interval", [del("a", "c"), put("c")], "ok"],
    ["a put after an interval without end, as in etcd", [del("a", "\0"), put("zzz")], "ok"],
    ["an interval of nothing", [del("c", "a"), put("b")], "ok"],
    ["a key deleted twice", [del("a"), del("a", "c")], "ok"],
    ["the two branches of a nested one", [nested([put("a")], [put("a")])], "ok"],
    ["a nested put and one outside", [nested([], [put("a")]), put("a")], "duplicate-key"],
    ["two nested ones", [nested([put("a")]), nested([put("a")])], "duplicate-key"],
    ["a nested delete and a put outside", [nested([del("a")]), put("a")], "duplicate-key"],
    ["a nested put in a delete outside", [nested([put("b")]), del("a", "c")], "duplicate-key"],
    ["a put after a nested delete", [nested([del("a")]), nested([put("a")])], "duplicate-key"],
    [
      "a nested delete after a nested put, as in etcd",
      [nested([put("a")]), nested([del("a")])],
      "ok",
    ],
    ["an empty key", [put("")], "empty-key"],
    ["an empty key far down", [nested([nested([get("")])])], "empty-key"],
  ])("%s", (_, ops, expected) => {
    expect(code(ops)).toBe(expected);
  });

  it("counts the longest list, and lets nested ones share what is left", () => {
    const three = [get("a"), get("b"), get("c")];
    expect(code(three, 3)).toBe("ok");
    expect(code(three, 2)).toBe("too-many-ops");
    expect(code([nested(three)], 4)).toBe("ok");
    expect(code([nested(three)], 3)).toBe("too-many-ops");
    expect(code([nested(three), nested(three)], 5)).toBe("ok");
  });

  it("finds overlaps among many intervals quickly", () => {
    const ops: RequestOp[] = [];
    for (let i = 0; i < 20_000; i++) ops.push(del(`k${i}`), put(`p${i}`));
    expect(code(ops, 100_000)).toBe("ok");
    expect(code([...ops, put("k777")], 100_000)).toBe("duplicate-key");
  });
});
