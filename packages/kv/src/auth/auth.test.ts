import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { KvError } from "../api/errors.js";
import type { AuthAction, Author, Command, PlainCommand } from "../api/types.js";
import { commandCodec } from "../codec/command.js";
import { MvccStore } from "../store/mvcc-store.js";
import { JwtTokens } from "./jwt.js";
import { hashPassword, matchesPassword } from "./passwords.js";
import { SimpleTokens } from "./simple-tokens.js";

const key = Buffer.from("a");
const put: PlainCommand = { type: "put", request: { key, value: Buffer.from("1") } };
const permission = { type: "readwrite", key, rangeEnd: Buffer.alloc(0) } as const;
const SETUP: readonly AuthAction[] = [
  { action: "user-add", user: "root", passwordHash: "r" },
  { action: "user-grant", user: "root", role: "root" },
  { action: "user-add", user: "ann", passwordHash: "" },
  { action: "role-add", role: "staff" },
  { action: "role-grant", role: "staff", permission },
  { action: "user-grant", user: "ann", role: "staff" },
  { action: "enable" },
];

/** Applies commands as they come back from the log. */
function driver(store: MvccStore): (command: Command) => string {
  let index = 0;
  return (command) => {
    index++;
    const read = commandCodec.decode(commandCodec.encode(command));
    const [result] = store.apply([{ index, term: 1, command: read }]);
    return result?.type === "error" ? result.error.code : "ok";
  };
}

function enabledStore(): { store: MvccStore; apply: (command: Command) => string } {
  const store = new MvccStore();
  const apply = driver(store);
  for (const change of SETUP) expect(apply({ type: "auth", change })).toBe("ok");
  return { store, apply };
}

const by = (user: string, revision: number, command: PlainCommand = put): Command => {
  const author: Author = { user, revision, trusted: false };
  return { type: "authored", author, command };
};

describe("commands in somebody's name", () => {
  test("are decided by users and roles at their place in the log", () => {
    const { store, apply } = enabledStore();
    const { revision } = store.auth;
    expect(apply(put)).toBe("user-empty");
    expect(apply(by("ann", revision))).toBe("ok");
    expect(apply(by("nobody", revision))).toBe("permission-denied");
    const change: AuthAction = { action: "user-revoke", user: "ann", role: "staff" };
    expect(apply(by("ann", revision, { type: "auth", change }))).toBe("permission-denied");
    expect(apply(by("root", revision, { type: "auth", change }))).toBe("ok");
    // Proposed while it was permitted, and overtaken.
    expect(apply(by("ann", revision))).toBe("auth-old-revision");
    expect(apply(by("ann", revision + 1))).toBe("permission-denied");
    const author: Author = { user: "", revision: 0, trusted: true };
    expect(apply({ type: "authored", author, command: put })).toBe("ok");
    // A lease that ran out is the leader's to revoke.
    expect(apply({ type: "lease-revoke", id: 7n, term: 1 })).toBe("lease-not-found");
  });

  test("a snapshot holds users and roles, and one without them is of the version before", async () => {
    const { store } = enabledStore();
    const restored = new MvccStore();
    await restored.restore(store.snapshot(), { index: 7, term: 1 });
    expect(restored.auth.enabled).toBe(true);
    expect(restored.auth.revision).toBe(store.auth.revision);
    expect(restored.auth.users()).toEqual(store.auth.users());
    expect(restored.auth.roles().map(({ permissions }) => permissions[0]?.type)).toEqual([
      "readwrite",
    ]);
    const version = async (of: MvccStore): Promise<number> => {
      for await (const chunk of of.snapshot()) {
        return Buffer.from(chunk).readUInt32LE(5 + "flotilla-kv".length);
      }
      return 0;
    };
    expect(await version(store)).toBe(2);
    expect(await version(new MvccStore())).toBe(1);
  });
});

test("passwords match their hash only", async () => {
  const stored = await hashPassword("secret");
  expect(stored).not.toContain("secret");
  expect(await matchesPassword("secret", stored)).toBe(true);
  expect(await matchesPassword("Secret", stored)).toBe(false);
});

test("simple tokens live from use to use, and end with their user", () => {
  let now = 0;
  const tokens = new SimpleTokens(100, () => now);
  tokens.changed({ action: "authenticate", user: "ann", token: "abc" }, 5);
  expect(tokens.indexOf("abc.5")).toBe(5);
  expect(tokens.indexOf("nonsense")).toBe(0);
  for (now = 90; now < 500; now += 90) expect(tokens.owner("abc.5", 3)?.user).toBe("ann");
  now += 100;
  expect(tokens.owner("abc.5", 3)).toBeNull();
  tokens.changed({ action: "authenticate", user: "ann", token: "def" }, 6);
  tokens.changed({ action: "user-password", user: "ann", passwordHash: "" }, 7);
  expect(tokens.owner("def.6", 3)).toBeNull();
});

describe("signed tokens", () => {
  const pem = (key: { export(options: { type: "pkcs8"; format: "pem" }): string | Buffer }) =>
    Buffer.from(key.export({ type: "pkcs8", format: "pem" }));
  const rsa = pem(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey);
  const ec = pem(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
  const ed = pem(generateKeyPairSync("ed25519").privateKey);

  test.each([
    ["RS256", rsa],
    ["PS512", rsa],
    ["ES256", ec],
    ["EdDSA", ed],
    ["HS384", Buffer.from("shared")],
  ])("%s: of the right key, whole and in time", (signMethod, privateKey) => {
    const tokens = new JwtTokens({ signMethod, privateKey });
    const token = tokens.issue("ann", "", 4);
    expect(tokens.owner(token)).toEqual({ user: "ann", revision: 4 });
    expect(tokens.owner(`${token.slice(0, -4)}AAAA`)).toBeNull();
    const old = new JwtTokens({ signMethod, privateKey, ttlSeconds: 0 });
    expect(tokens.owner(old.issue("ann", "", 4))).toBeNull();
  });

  test("the method is the configured one, whatever a token says", () => {
    const tokens = new JwtTokens({ signMethod: "RS256", privateKey: rsa });
    const [, body] = tokens.issue("ann", "", 4).split(".");
    const head = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
    expect(tokens.owner(`${head}.${body}.`)).toBeNull();
    expect(() => new JwtTokens({ signMethod: "none" })).toThrow(KvError);
    expect(() => new JwtTokens({ signMethod: "RS256" })).toThrow("neither");
  });
});
