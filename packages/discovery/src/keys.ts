import { createHash } from "node:crypto";
import { DiscoveryError } from "./errors.js";

/**
 * Where services live in the store: SkyDNS's layout, which CoreDNS's etcd plugin reads as well. The
 * labels of a name in reverse under `/skydns`: `a.web.flotilla.local` is
 * `/skydns/local/flotilla/web/a`.
 */
const ROOT = "/skydns";

export const DEFAULT_DOMAIN = "flotilla.local";

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** RFC 1035, section 2.3.4. */
const LABEL_LENGTH_MAX = 63;
const NAME_LENGTH_MAX = 253;
const HASH_LENGTH = 8;

/** `flotilla.local` → `/skydns/local/flotilla/`. */
export function domainPrefix(domain: string): string {
  return `${ROOT}/${labels(domain, "domain").reverse().join("/")}/`;
}

/** The prefix of all endpoints of a service; a dotted service is a deeper name. */
export function servicePrefix(service: string, domain: string = DEFAULT_DOMAIN): string {
  return `${domainPrefix(domain)}${labels(service, "service").reverse().join("/")}/`;
}

/** The key of one endpoint. */
export function instanceKey(service: string, id: string, domain: string = DEFAULT_DOMAIN): string {
  return servicePrefix(service, domain) + instanceLabel(id);
}

/**
 * An endpoint's ID as one DNS label: as it is if it can be, else with what cannot stand in a label
 * as `-` and a hash that keeps different IDs apart (`web@1.service` → `web-1-service-8c6c2a1f`).
 */
export function instanceLabel(id: string): string {
  if (id === "") throw new DiscoveryError("invalid-argument", "The ID of an endpoint is empty.");
  if (LABEL.test(id)) return id;
  const hash = createHash("sha256").update(id).digest("hex").slice(0, HASH_LENGTH);
  const readable = id
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, "-")
    .replace(/^-/, "")
    .slice(0, LABEL_LENGTH_MAX - HASH_LENGTH - 1);
  return `${readable}-${hash}`.replace(/^-+/, "").replace(/-{2,}/g, "-");
}

/** The labels of a name in lower case, checked. */
export function labels(name: string, what: string): string[] {
  const parts = name.toLowerCase().split(".");
  const bad = parts.find((part) => !LABEL.test(part));
  if (bad !== undefined || name.length > NAME_LENGTH_MAX) {
    const why = bad === undefined ? "it is too long" : `"${bad}" is not a DNS label`;
    throw new DiscoveryError("invalid-argument", `The ${what} "${name}" is not a name: ${why}.`);
  }
  return parts;
}
