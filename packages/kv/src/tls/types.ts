/** Where the port for clients finds its certificate; all files are PEM and read anew when they change. */
export interface ClientTlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Clients must then show a certificate signed by one of these. */
  readonly trustedCaFile?: string;
  /**
   * Clients must show a certificate (signed by `trustedCaFile`, or by an authority the system trusts), and
   * its common name is the user where auth is on and no token is sent.
   */
  readonly clientCertAuth?: boolean;
  /** Certificates that are refused although they are signed. */
  readonly crlFile?: string;
  /** IANA names (`TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`); Node's choice by default. */
  readonly cipherSuites?: readonly string[];
}

/** "auto": a self-signed certificate, made at each start; clients can only skip verifying it. */
export type ClientTls = ClientTlsFiles | "auto";

/** The certificate of a member towards the others; connections between members are always mutual. */
export interface PeerTlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly trustedCaFile: string;
}

/** "auto": encrypted, and open to everybody who knows the cluster's token. */
export type PeerTls = PeerTlsFiles | "auto";
