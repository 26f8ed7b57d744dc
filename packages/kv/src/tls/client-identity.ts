import { readFileSync, statSync } from "node:fs";
import type { TLSSocket, TlsOptions } from "node:tls";
import { KvError } from "../api/errors.js";
import { selfSigned } from "./certificate.js";
import { cipherList } from "./cipher-suites.js";
import { revokedSerials } from "./revocation.js";
import type { ClientTls, ClientTlsFiles } from "./types.js";

/** Between two looks at the files, milliseconds: connections within it share one. */
const LOOK_MS = 1000;

/**
 * What the port for clients shows and asks of those who connect. Files are looked at again as
 * connections come, so that a renewed certificate or authority holds without a restart; one that
 * cannot be read leaves what was there before.
 */
export class ClientIdentity {
  readonly #files: ClientTlsFiles | null;
  #options: TlsOptions;
  #revoked: ReadonlySet<string> = new Set();
  #stamp: string;
  #looked = performance.now();

  /** Throws KvError `invalid-options` when a file cannot be read or does not hold what it should. */
  constructor(tls: ClientTls, hosts: readonly string[]) {
    this.#files = tls === "auto" ? null : tls;
    this.#options = tls === "auto" ? selfSigned(hosts) : readOptions(tls);
    if (this.#files !== null) this.#revoked = readRevoked(this.#files);
    this.#stamp = this.#files === null ? "" : stampOf(this.#files);
  }

  /** The common name of a client's certificate is its user. */
  get namesUsers(): boolean {
    return this.#files?.clientCertAuth === true;
  }

  get options(): TlsOptions {
    return this.#options;
  }

  /** Whether the certificate that this client has shown was revoked. */
  refuses(socket: TLSSocket): boolean {
    return this.#revoked.size > 0 && this.#revoked.has(socket.getPeerCertificate().serialNumber);
  }

  /** The options if a file changed since the last look. */
  renewed(): TlsOptions | null {
    const now = performance.now();
    if (this.#files === null || now - this.#looked < LOOK_MS) return null;
    this.#looked = now;
    try {
      const stamp = stampOf(this.#files);
      if (stamp === this.#stamp) return null;
      const revoked = readRevoked(this.#files);
      this.#options = readOptions(this.#files);
      this.#revoked = revoked;
      this.#stamp = stamp;
      return this.#options;
    } catch {
      // Written half, or gone for a moment: the next look finds it.
      return null;
    }
  }
}

function stampOf({ certFile, keyFile, trustedCaFile, crlFile }: ClientTlsFiles): string {
  return [certFile, keyFile, trustedCaFile, crlFile]
    .filter((file) => file !== undefined)
    .map((file) => {
      const { mtimeMs, ino, size } = statSync(file);
      return `${mtimeMs} ${ino} ${size}`;
    })
    .join();
}

function readOptions(files: ClientTlsFiles): TlsOptions {
  // etcd's rule: an authority that is named is asked of everybody.
  const asks = files.clientCertAuth === true || files.trustedCaFile !== undefined;
  const { trustedCaFile, cipherSuites } = files;
  return {
    cert: readPem(files.certFile),
    key: readPem(files.keyFile),
    ...(trustedCaFile === undefined ? {} : { ca: readPem(trustedCaFile) }),
    ...(cipherSuites === undefined ? {} : { ciphers: cipherList(cipherSuites) }),
    requestCert: asks,
    rejectUnauthorized: asks,
    minVersion: "TLSv1.2",
  };
}

export function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new KvError("invalid-options", `cannot read the TLS file ${file}: ${why}`, {
      cause: error,
    });
  }
}

function readRevoked({ crlFile }: ClientTlsFiles): ReadonlySet<string> {
  if (crlFile === undefined) return new Set();
  try {
    return revokedSerials(readPem(crlFile));
  } catch (error) {
    if (KvError.is(error)) throw error;
    throw new KvError("invalid-options", `${crlFile} is no certificate revocation list`, {
      cause: error,
    });
  }
}
