import { getCiphers } from "node:tls";
import { KvError } from "../api/errors.js";

/** etcd's older names of two suites, as Go had them. */
const OLD_NAMES = /^(TLS_ECDHE_(?:RSA|ECDSA)_WITH_CHACHA20_POLY1305)$/;

/**
 * OpenSSL's list of the suites with these IANA names. TLS 1.3's own suites stay as they are: etcd does
 * not let them be chosen either. Throws KvError `invalid-options` for one that Node does not have.
 */
export function cipherList(names: readonly string[]): string {
  const known = new Set(getCiphers());
  return names
    .map((name) => {
      const cipher = opensslName(name);
      if (!known.has(cipher.toLowerCase())) {
        throw new KvError("invalid-options", `unexpected TLS cipher suite "${name}"`);
      }
      return cipher;
    })
    .join(":");
}

/** `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is OpenSSL's `ECDHE-RSA-AES128-GCM-SHA256`. */
function opensslName(name: string): string {
  return name
    .replace(OLD_NAMES, "$1_SHA256")
    .replace(/^TLS_/, "")
    .replace(/^RSA_WITH_/, "")
    .replace("_WITH_", "_")
    .replace(/AES_(\d+)_CBC/, "AES$1")
    .replace(/AES_(\d+)/, "AES$1")
    .replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305")
    .replaceAll("_", "-");
}
