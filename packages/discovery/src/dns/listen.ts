import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, isIPv6, type Server } from "node:net";
import { DiscoveryError } from "../errors.js";
import { codeOf, messageOf } from "../store/deadline.js";

/** Tries to find a port that is free for both, when any will do. */
const FREE_PORT_TRIES = 20;

export interface Listeners {
  readonly udp: UdpSocket;
  readonly tcp: Server;
  readonly port: number;
}

/**
 * Listens on one port over UDP and TCP; port 0 is a free one.
 *
 * @throws DiscoveryError "address-in-use", "listen-failed"
 */
export async function listen(host: string, port: number): Promise<Listeners> {
  for (let tries = 1; ; tries++) {
    const udp = await listenUdp(host, port);
    const bound = udp.address().port;
    try {
      return { udp, tcp: await listenTcp(host, bound), port: bound };
    } catch (error) {
      udp.close();
      const again = port === 0 && tries < FREE_PORT_TRIES && codeOf(error) === "address-in-use";
      if (!again) throw error;
    }
  }
}

async function listenUdp(host: string, port: number): Promise<UdpSocket> {
  const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
  try {
    socket.bind(port, host);
    await once(socket, "listening");
    return socket;
  } catch (error) {
    socket.close();
    throw refusal(error, host, port, "UDP");
  }
}

async function listenTcp(host: string, port: number): Promise<Server> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
    return server;
  } catch (error) {
    throw refusal(error, host, port, "TCP");
  }
}

function refusal(error: unknown, host: string, port: number, protocol: string): DiscoveryError {
  const where = `DNS cannot listen on ${isIPv6(host) ? `[${host}]` : host}:${port} (${protocol})`;
  return codeOf(error) === "EADDRINUSE"
    ? new DiscoveryError("address-in-use", `${where}: another process has the port.`, {
        cause: error,
      })
    : new DiscoveryError("listen-failed", `${where}: ${messageOf(error)}.`, { cause: error });
}
