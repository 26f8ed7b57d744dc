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
    server.once("error", (error: NodeJS.ErrnoException) => {
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
