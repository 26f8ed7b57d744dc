import { Buffer } from "node:buffer";
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { KvError } from "../api/errors.js";

/** RFC 7914 with N = 2^14, r = 8, p = 1: 16 MiB and about 50 ms a password. */
const COST = 16_384;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Passwords worked on at a time; more are refused, for each takes 16 MiB. */
const PENDING_MAX = 64;

let pending = 0;

/** `scrypt$cost$salt$hash`, the last two in base64. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, COST);
  return `scrypt$${COST}$${salt.toString("base64")}$${hash.toString("base64")}`;
}

export async function matchesPassword(password: string, stored: string): Promise<boolean> {
  const [scheme, cost, salt = "", hash = ""] = stored.split("$");
  if (scheme !== "scrypt") return false;
  const expected = Buffer.from(hash, "base64");
  const actual = await derive(password, Buffer.from(salt, "base64"), Number(cost));
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

async function derive(password: string, salt: Buffer, cost: number): Promise<Buffer> {
  if (pending >= PENDING_MAX) throw new KvError("too-many-requests");
  pending++;
  try {
    return await new Promise((resolve, reject) => {
      scrypt(password, salt, HASH_BYTES, { N: cost }, (error, key) => {
        if (error === null) resolve(key);
        else reject(error);
      });
    });
  } finally {
    pending--;
  }
}
