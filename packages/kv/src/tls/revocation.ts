import { Buffer } from "node:buffer";

const SEQUENCE = 0x30;
const INTEGER = 0x02;

interface Element {
  readonly tag: number;
  readonly content: Buffer;
  readonly end: number;
}

/**
 * The serial numbers that a revocation list names (RFC 5280 §5.1), in hexadecimal as Node tells a
 * certificate's. PEM or DER. Like etcd, and unlike OpenSSL, it takes the list of an authority at its
 * word for as long as the file is there, past the date of the next one. Throws RangeError for what is no
 * such list.
 */
export function revokedSerials(file: Buffer): ReadonlySet<string> {
  const [list] = elements(derOf(file));
  const parts = elements(elements(list?.content)[0]?.content);
  const serials = new Set<string>();
  // After algorithm, issuer and dates comes the one sequence whose elements are sequences of a number first.
  for (const part of parts.filter(({ tag }) => tag === SEQUENCE)) {
    for (const { tag, content } of elements(part.content)) {
      const first = tag === SEQUENCE ? elements(content)[0] : undefined;
      if (first?.tag === INTEGER) serials.add(serialOf(first.content));
    }
  }
  return serials;
}

function serialOf(bytes: Buffer): string {
  const hex = bytes.toString("hex").replace(/^(00)+(?=.)/, "");
  return hex.toUpperCase();
}

function derOf(file: Buffer): Buffer {
  const pem = /-----BEGIN X509 CRL-----([^-]+)-----END/.exec(file.toString("latin1"));
  return pem === null ? file : Buffer.from(pem[1] as string, "base64");
}

/** The elements side by side in `bytes` (X.690). */
function elements(bytes: Buffer | undefined): Element[] {
  if (bytes === undefined) throw new RangeError("not a certificate revocation list");
  const found: Element[] = [];
  for (let at = 0; at < bytes.length; at = found.at(-1)?.end ?? bytes.length) {
    found.push(elementAt(bytes, at));
  }
  return found;
}

function elementAt(bytes: Buffer, at: number): Element {
  const tag = bytes.readUInt8(at);
  const short = bytes.readUInt8(at + 1);
  const size = short < 0x80 ? 0 : short & 0x7f;
  const length = size === 0 ? short : bytes.readUIntBE(at + 2, size);
  const start = at + 2 + size;
  if (start + length > bytes.length) throw new RangeError("a revocation list is cut off");
  return { tag, content: bytes.subarray(start, start + length), end: start + length };
}
