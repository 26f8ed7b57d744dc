export { type DnsServer, type DnsServerOptions, startDnsServer } from "./dns/dns-server.js";
export { DiscoveryError, type DiscoveryErrorCode } from "./errors.js";
export type * from "./key-value.js";
export {
  DEFAULT_DOMAIN,
  instanceKey,
  instanceLabel,
  servicePrefix,
} from "./keys.js";
export type { Endpoint, Protocol } from "./record.js";
export { type RegisterOptions, type Registration, register } from "./register.js";
export { type ResolveOptions, resolve } from "./resolve.js";
export { type ServiceSnapshot, type WatchServiceOptions, watchService } from "./watch-service.js";
