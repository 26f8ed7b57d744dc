import type { ListenerSpec } from "../runtime.js";
import type { SettingValue } from "../settings/unit-settings.js";

const TYPES: Readonly<Record<string, ListenerSpec["type"]>> = {
  ListenStream: "stream",
  ListenDatagram: "datagram",
  ListenSequentialPacket: "seqpacket",
  ListenFIFO: "fifo",
};

/** The keys of [Socket] that name what to listen on, as far as they can be. */
export const LISTEN_KEYS: readonly string[] = Object.keys(TYPES);

/** What a Listen…= line asks for (systemd.socket(5)); undefined for what is no address here. */
export function listenerOf({
  key,
  value,
}: SettingValue): Pick<ListenerSpec, "type" | "address"> | undefined {
  const type = TYPES[key];
  if (type === undefined) return undefined;
  if (/^[/@]/.test(value)) return { type, address: { family: "unix", path: value } };
  // A port alone: all addresses, IPv4 included.
  const [, host6, host4, port = ""] =
    /^(?:\[([0-9A-Fa-f:.]+)\]:|([\d.]+):)?(\d+)$/.exec(value) ?? [];
  if (type === "fifo" || port === "" || Number(port) > 65_535) return undefined;
  const family = host4 === undefined ? "inet6" : "inet";
  return { type, address: { family, host: host4 ?? host6 ?? "::", port: Number(port) } };
}
