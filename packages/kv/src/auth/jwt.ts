import { Buffer } from "node:buffer";
import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { KvError } from "../api/errors.js";
import type { TokenOwner, TokenProvider } from "./token-provider.js";

/** RFC 7518 §3.1 and RFC 8037: the methods that etcd takes. */
const METHOD = /^(?:(RS|PS|ES|HS)(256|384|512)|EdDSA)$/;

/** etcd's `--auth-token=jwt,…`. Keys are PEM, but for HMAC's, which are any bytes. */
export interface JwtOptions {
  readonly signMethod: string;
  /** Without it this member can only verify. */
  readonly privateKey?: Uint8Array;
  /** That of the private key by default. */
  readonly publicKey?: Uint8Array;
  /** 300 by default. */
  readonly ttlSeconds?: number;
}

/** Signed tokens that need no state: any member with the public key knows whose they are. */
export class JwtTokens implements TokenProvider {
  readonly #method: string;
  readonly #signer: KeyObject | null;
  readonly #verifier: KeyObject;
  readonly #ttlSeconds: number;

  /** Throws KvError `invalid-options`. */
  constructor(options: JwtOptions) {
    this.#method = options.signMethod;
    this.#ttlSeconds = options.ttlSeconds ?? 300;
    if (!METHOD.test(options.signMethod)) {
      throw invalidKeys(`the sign method "${options.signMethod}" is unknown`);
    }
    try {
      [this.#signer, this.#verifier] = readKeys(options);
    } catch (error) {
      throw KvError.is(error) ? error : invalidKeys("the keys cannot be read", error);
    }
  }

  /** The log's entry needs none: whoever applies it signs nothing. */
  prefix(): string {
    return "";
  }

  /** Throws KvError `auth-failed` on a member that can only verify. */
  issue(user: string, _token: string, revision: number): string {
    if (this.#signer === null) throw new KvError("auth-failed");
    const exp = Math.floor(Date.now() / 1000) + this.#ttlSeconds;
    const claims = encode({ exp, revision, username: user });
    const body = `${encode({ alg: this.#method, typ: "JWT" })}.${claims}`;
    return `${body}.${this.#sign(body, this.#signer).toString("base64url")}`;
  }

  owner(token: string): TokenOwner | null {
    const [head = "", body = "", signature = "", ...rest] = token.split(".");
    if (rest.length > 0 || decode(head)?.["alg"] !== this.#method) return null;
    if (!this.#verify(`${head}.${body}`, Buffer.from(signature, "base64url"))) return null;
    const { username, revision, exp } = decode(body) ?? {};
    if (typeof username !== "string" || typeof revision !== "number") return null;
    if (typeof exp !== "number" || exp <= Date.now() / 1000) return null;
    return { user: username, revision };
  }

  indexOf(): number {
    return 0;
  }

  changed(): void {
    // A change makes the revision of every token old.
  }

  #sign(text: string, key: KeyObject): Buffer {
    const data = Buffer.from(text);
    if (this.#method.startsWith("HS")) {
      return createHmac(this.#digest ?? "", key)
        .update(data)
        .digest();
    }
    return sign(this.#digest, data, { key, ...this.#padding });
  }

  #verify(text: string, signature: Buffer): boolean {
    const key = this.#verifier;
    if (this.#method.startsWith("HS")) {
      const expected = this.#sign(text, key);
      return expected.length === signature.length && timingSafeEqual(expected, signature);
    }
    return verify(this.#digest, Buffer.from(text), { key, ...this.#padding }, signature);
  }

  get #digest(): string | null {
    const bits = METHOD.exec(this.#method)?.[2];
    return bits === undefined ? null : `sha${bits}`;
  }

  get #padding(): object {
    if (this.#method.startsWith("ES")) return { dsaEncoding: "ieee-p1363" };
    if (!this.#method.startsWith("PS")) return {};
    const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
    return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  }
}

function readKeys(options: JwtOptions): [KeyObject | null, KeyObject] {
  const { privateKey, publicKey, signMethod } = options;
  if (signMethod.startsWith("HS")) {
    if (privateKey === undefined) throw invalidKeys("HMAC needs a private key");
    const secret = createSecretKey(privateKey);
    return [secret, secret];
  }
  const signer = privateKey === undefined ? null : createPrivateKey(Buffer.from(privateKey));
  if (publicKey !== undefined) return [signer, createPublicKey(Buffer.from(publicKey))];
  if (signer === null) throw invalidKeys("neither a private nor a public key is given");
  return [signer, createPublicKey(signer)];
}

function invalidKeys(why: string, cause?: unknown): KvError {
  return new KvError("invalid-options", `JWT tokens cannot be made: ${why}`, { cause });
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decode(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
