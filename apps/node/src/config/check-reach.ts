import { type Address, advertised, isLoopback, parseAddress } from "../address.js";
import { NodeError } from "../errors.js";
import type { Config } from "./options.js";

/**
 * Machines ask each other: keep-alives go to the store's leader, status and journal to a unit's
 * machine. A member of a cluster over several hosts that tells others a loopback address would
 * send them to themselves. Throws NodeError `bad-option`.
 */
export function checkReach(config: Config): void {
  const publicIp = config["public-ip"];
  const peers = Object.values(config["initial-cluster"]).flat();
  const abroad = peers.find((url) => !isLoopback(new URL(url).hostname));
  if (abroad !== undefined && isLoopback(publicIp)) {
    throw new NodeError("bad-option", `--public-ip: ${publicIp} is no use to ${abroad}`, {
      hint: "give the address at which other machines reach this one",
    });
  }
  if (isLoopback(publicIp)) return;
  requireReachable("api", config, "49153");
  if (config.store === "embedded" && peers.length > 1) requireReachable("client", config, "2379");
}

function requireReachable(what: "api" | "client", config: Config, port: string): void {
  const told: Address = advertised(
    config[`advertise-${what}`],
    parseAddress(config[`listen-${what}`]),
    config["public-ip"],
  );
  if (!isLoopback(told.host)) return;
  throw new NodeError("bad-option", `--listen-${what}: others cannot reach ${told.host}`, {
    hint: `give --listen-${what} ${config["public-ip"]}:${port}, or --advertise-${what}`,
  });
}
