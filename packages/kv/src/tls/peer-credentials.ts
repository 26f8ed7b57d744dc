import type { TlsOptions } from "@flotilla/raft/node";
import type { ChannelTls } from "../client/grpc-channel.js";
import { authorityOf, signedBy } from "./certificate.js";
import { readPem } from "./client-identity.js";
import type { ClientTls, PeerTls } from "./types.js";

/**
 * What a member shows the others and asks of them. With "auto" the cluster's token stands for the
 * authority, so that members need no files: it encrypts, and whoever knows the token is let in, as
 * etcd's `--peer-auto-tls` lets in everybody.
 */
export function peerCredentials(
  tls: PeerTls,
  member: {
    readonly token: string;
    readonly listenPeer: readonly { readonly host: string }[];
    readonly advertisePeerUrls: readonly string[] | null;
  },
): TlsOptions {
  if (tls !== "auto") {
    const { certFile, keyFile, trustedCaFile } = tls;
    return { cert: readPem(certFile), key: readPem(keyFile), ca: readPem(trustedCaFile) };
  }
  const advertised = (member.advertisePeerUrls ?? []).map((url) =>
    new URL(url).hostname.replace(/^\[|\]$/g, ""),
  );
  const hosts = new Set([...member.listenPeer.map(({ host }) => host), ...advertised]);
  const authority = authorityOf(member.token);
  return { ...signedBy(authority, [...hosts]), ca: authority.cert };
}

/** How a member dials the client port of another, as it does for what only the leader knows. */
export function memberCredentials(tls: ClientTls | null): ChannelTls {
  if (tls === null) return {};
  // Self-signed certificates have nobody to vouch for them: the same trust as among such members' peers.
  if (tls === "auto") return { insecureSkipVerify: true };
  const { certFile, keyFile, trustedCaFile } = tls;
  return {
    cert: readPem(certFile),
    key: readPem(keyFile),
    ...(trustedCaFile === undefined ? {} : { ca: readPem(trustedCaFile) }),
  };
}
