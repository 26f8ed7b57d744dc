import { serviceReference } from "../keys/list-types.js";
import { listen } from "../keys/listen-types.js";
import { boolean, descriptorName, mode, timeout, unsigned } from "../keys/scalar-types.js";
import { LISTENERS } from "../keys/trigger-types.js";
import type { Listener, SocketSection, UnitName } from "../types.js";
import type { Settings } from "./settings.js";
import { ownService } from "./trigger-sections.js";

/** systemd asks for as many as there can be; the kernel takes its own bound. */
const BACKLOG = 0xffff_ffff;
const MAX_CONNECTIONS = 64;
const SOCKET_MODE = 0o666;
const DIRECTORY_MODE = 0o755;
const TIMEOUT_MS = 90_000;

export function readSocketSection(settings: Settings, name: UnitName): SocketSection {
  const flag = (key: string) => settings.last(boolean, "Socket", key) ?? false;
  const number = (key: string) => settings.last(unsigned, "Socket", key);
  const bits = (key: string) => settings.last(mode, "Socket", key);
  const accept = flag("Accept");
  const service = settings.last(serviceReference, "Socket", "Service");
  return {
    listeners: settings.list(listen, "Socket", LISTENERS),
    accept,
    service: service ?? (accept ? `${name.prefix}@.service` : ownService(name)),
    backlog: number("Backlog") ?? BACKLOG,
    maxConnections: number("MaxConnections") ?? MAX_CONNECTIONS,
    socketMode: bits("SocketMode") ?? SOCKET_MODE,
    directoryMode: bits("DirectoryMode") ?? DIRECTORY_MODE,
    removeOnStop: flag("RemoveOnStop"),
    flushPending: flag("FlushPending"),
    fileDescriptorName:
      settings.last(descriptorName, "Socket", "FileDescriptorName") ??
      (accept ? "connection" : name.name),
    timeoutMs: settings.last(timeout, "Socket", "TimeoutSec") ?? TIMEOUT_MS,
  };
}

const CONNECTING: ReadonlySet<Listener["kind"]> = new Set(["stream", "sequential-packet"]);

/** What systemd checks once a socket is read as a whole. */
export function checkSocket(socket: SocketSection, settings: Settings): void {
  const { listeners, accept, maxConnections } = socket;
  const refuse = (code: string, key: string, message: string, hint: string): void => {
    settings.complain({ code, severity: "error", message, hint }, [`Socket.${key}`]);
  };
  if (listeners.length === 0) {
    const hint = "Add ListenStream=, ListenDatagram= or another of that kind.";
    refuse("missing-listen", "Accept", "The socket listens on nothing.", hint);
    return;
  }
  if (!accept) return;
  if (listeners.some(({ kind }) => !CONNECTING.has(kind))) {
    const message = "Accept=yes is for connections, and this unit listens on something without.";
    refuse("bad-accept", "Accept", message, "Use ListenStream=, or Accept=no.");
  } else if (maxConnections === 0) {
    const message = "MaxConnections=0 with Accept=yes would take no connection.";
    refuse("bad-accept", "MaxConnections", message, "Write 1 or more.");
  } else if (settings.last(serviceReference, "Socket", "Service") !== undefined) {
    const message =
      "With Accept=yes each connection gets its own instance: Service= cannot be set.";
    refuse("bad-accept", "Service", message, "Remove Service=, or write Accept=no.");
  }
}
