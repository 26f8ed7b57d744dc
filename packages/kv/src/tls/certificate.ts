import { Buffer } from "node:buffer";
import {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from "node:crypto";
import { isIP } from "node:net";
import { bits, integer, octets, oid, sequence, set, text, time, tlv, yes } from "./der.js";

const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));
const COMMON_NAME = oid("2.5.4.3");
const BASIC_CONSTRAINTS = oid("2.5.29.19");
const SUBJECT_ALT_NAME = oid("2.5.29.17");
/** Tags of RFC 5280's GeneralName. */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;
/** etcd's `--self-signed-cert-validity` of one year, and a day for clocks that are late. */
const VALID_MS = 365 * 86_400_000;
const EARLY_MS = 86_400_000;

/** A certificate with its private key, both as PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** An authority: its certificate and the key that signs in its name. */
export interface Authority {
  readonly cert: string;
  readonly name: string;
  readonly key: KeyObject;
}

/** A self-signed P-256 certificate for these hosts (RFC 5280). */
export function selfSigned(hosts: readonly string[]): CertificatePair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = "flotilla";
  const cert = certificate({ subject: name, issuer: name, publicKey, hosts }, privateKey);
  return { cert, key: pemOf(privateKey) };
}

/** A P-256 certificate for these hosts that `authority` signs. */
export function signedBy(
  authority: Authority,
  hosts: readonly string[],
  subject = "flotilla member",
): CertificatePair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const body = { subject, issuer: authority.name, publicKey, hosts };
  return { cert: certificate(body, authority.key), key: pemOf(privateKey) };
}

/**
 * The authority that a shared word stands for: whoever knows the word has the same key. It keeps
 * out those who only pass by, and nobody who knows the word.
 */
export function authorityOf(word: string): Authority {
  const ecdh = createECDH("prime256v1");
  // A hash that is no valid key of the curve has a chance of 2⁻³²; the next one then is taken.
  for (let round = 0; ; round++) {
    const secret = createHash("sha256").update(`flotilla peer authority ${round} ${word}`).digest();
    try {
      ecdh.setPrivateKey(secret);
    } catch {
      continue;
    }
    const key = privateKeyOf(secret, ecdh.getPublicKey());
    const name = `flotilla ${createHash("sha256").update(ecdh.getPublicKey()).digest("hex").slice(0, 16)}`;
    const publicKey = createPublicKey(key);
    const cert = certificate({ subject: name, issuer: name, publicKey, hosts: null }, key);
    return { cert, name, key };
  }
}

function privateKeyOf(secret: Buffer, point: Buffer): KeyObject {
  const [x, y] = [point.subarray(1, 33), point.subarray(33)];
  const base64 = (bytes: Buffer): string => bytes.toString("base64url");
  const key = { kty: "EC", crv: "P-256", d: base64(secret), x: base64(x), y: base64(y) };
  return createPrivateKey({ key, format: "jwk" });
}

interface Body {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  /** Null: an authority. */
  readonly hosts: readonly string[] | null;
}

function certificate(body: Body, signer: KeyObject): string {
  const now = Date.now();
  const toBeSigned = sequence(
    tlv(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ECDSA_SHA256,
    nameOf(body.issuer),
    sequence(time(new Date(now - EARLY_MS)), time(new Date(now + VALID_MS))),
    nameOf(body.subject),
    body.publicKey.export({ type: "spki", format: "der" }),
    tlv(0xa3, sequence(extensionOf(body.hosts))),
  );
  const signature = sign("sha256", toBeSigned, signer);
  const der = sequence(toBeSigned, ECDSA_SHA256, bits(signature));
  const lines = der.toString("base64").replace(/.{64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

function nameOf(commonName: string): Buffer {
  return sequence(set(sequence(COMMON_NAME, text(commonName))));
}

function extensionOf(hosts: readonly string[] | null): Buffer {
  if (hosts === null) return sequence(BASIC_CONSTRAINTS, yes, octets(sequence(yes)));
  return sequence(SUBJECT_ALT_NAME, octets(sequence(...hosts.map(alternativeName))));
}

function alternativeName(host: string): Buffer {
  const kind = isIP(host);
  if (kind === 0) return tlv(DNS_NAME, Buffer.from(host, "latin1"));
  return tlv(IP_ADDRESS, kind === 4 ? Buffer.from(host.split(".").map(Number)) : ipv6Bytes(host));
}

function ipv6Bytes(host: string): Buffer {
  const [head = "", tail] = host.split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const hex = [...before, ...(tail === undefined ? [] : zeros), ...after];
  return Buffer.from(hex.map((group) => group.padStart(4, "0")).join(""), "hex");
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
