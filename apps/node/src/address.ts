import type { Server } from "node:net";
import { NodeError } from "./errors.js";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Splits `host:port`; IPv6 hosts come in brackets and go without. */
export function parseAddress(text: string): Address {
  const at = text.lastIndexOf(":");
  return { host: text.slice(0, at).replace(/^\[(.*)\]$/, "$1"), port: Number(text.slice(at + 1)) };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Listens, and gives the address as bound. Rejects with `address-in-use` naming address and option. */
export async function listen(server: Server, address: Address, option: string): Promise<Address> {
  await new Promise<void>((resolve, reject) => {
    // It stays: what a listener reports later (no descriptors left, say) must not end the process.
    server.on("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      const what = taken ? "is in use" : `cannot be used: ${error.message}`;
      reject(
        new NodeError("address-in-use", `--${option}: ${formatAddress(address)} ${what}`, {
          hint: "stop what listens there, or choose another address",
          cause: error,
        }),
      );
    });
    server.listen(address.port, address.host, resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") return address;
  return { host: address.host, port: bound.port };
}

/** Where others reach a listener: as told; else as bound, with `publicIp` for "all addresses". */
export function advertised(told: string, bound: Address, publicIp: string): Address {
  if (told !== "") return parseAddress(told);
  const isWildcard = bound.host === "0.0.0.0" || bound.host === "::";
  return isWildcard ? { host: publicIp, port: bound.port } : bound;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
