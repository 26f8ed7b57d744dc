import type { MemberOptions } from "@flotilla/kv";
import type { Flags } from "./flags.js";
import { isTrue, UsageError } from "./flags.js";

/** A member's TLS from etcd's flags. Throws {@link UsageError} for halves. */
export function tlsOptions(flags: Flags): Pick<MemberOptions, "clientTls" | "peerTls"> {
  return { ...clientTls(flags), ...peerTls(flags) };
}

function clientTls(flags: Flags): Pick<MemberOptions, "clientTls"> {
  const pair = pairOf(flags, "cert-file", "key-file");
  if (pair === null) return isTrue(flags["auto-tls"]) ? { clientTls: "auto" } : {};
  const trustedCaFile = flags["trusted-ca-file"];
  const crlFile = flags["client-crl-file"];
  const cipherSuites = flags["cipher-suites"]?.split(",");
  return {
    clientTls: {
      ...pair,
      clientCertAuth: isTrue(flags["client-cert-auth"]),
      ...(trustedCaFile === undefined ? {} : { trustedCaFile }),
      ...(crlFile === undefined ? {} : { crlFile }),
      ...(cipherSuites === undefined ? {} : { cipherSuites }),
    },
  };
}

function peerTls(flags: Flags): Pick<MemberOptions, "peerTls"> {
  const pair = pairOf(flags, "peer-cert-file", "peer-key-file");
  if (pair === null) return isTrue(flags["peer-auto-tls"]) ? { peerTls: "auto" } : {};
  const trustedCaFile = flags["peer-trusted-ca-file"];
  if (trustedCaFile === undefined) {
    throw new UsageError("-peer-cert-file needs -peer-trusted-ca-file: members check each other");
  }
  return { peerTls: { ...pair, trustedCaFile } };
}

function pairOf(
  flags: Flags,
  cert: "cert-file" | "peer-cert-file",
  key: "key-file" | "peer-key-file",
): { readonly certFile: string; readonly keyFile: string } | null {
  const certFile = flags[cert];
  const keyFile = flags[key];
  if (certFile === undefined && keyFile === undefined) return null;
  if (certFile === undefined || keyFile === undefined) {
    throw new UsageError(`-${cert} and -${key} go together`);
  }
  return { certFile, keyFile };
}
