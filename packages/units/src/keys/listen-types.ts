import type { Listener } from "../types.js";
import { parseInteger } from "../values/scalars.js";
import { absolute } from "./list-types.js";
import type { ValueContext, ValueType } from "./value-type.js";

const KINDS: Readonly<Record<string, Listener["kind"]>> = {
  ListenStream: "stream",
  ListenDatagram: "datagram",
  ListenSequentialPacket: "sequential-packet",
  ListenFIFO: "fifo",
  ListenNetlink: "netlink",
  ListenSpecial: "special",
  ListenMessageQueue: "message-queue",
  ListenUSBFunction: "usb-function",
};

const ON_PATHS: ReadonlySet<Listener["kind"]> = new Set([
  "fifo",
  "special",
  "message-queue",
  "usb-function",
]);

/** ListenStream= and its kin (systemd.socket(5)); an empty one of them clears all. */
export const listen: ValueType<readonly Listener[]> = {
  name: "address to listen on",
  empty: "reset",
  list: true,
  read: (value, context) => {
    const kind = KINDS[context.key] ?? "stream";
    const text = context.expand(value);
    if (text === undefined) return undefined;
    const address = ON_PATHS.has(kind)
      ? absolute(text, context)
      : socketAddress(text, kind, context);
    return address === undefined ? undefined : [{ kind, address }];
  },
};

function socketAddress(
  text: string,
  kind: Listener["kind"],
  context: ValueContext,
): string | undefined {
  if (kind === "netlink") return isNetlink(text) ? text : refuse(text, context);
  // A specifier that nobody resolved may stand for a path.
  if (isUnixAddress(text) || /^%[A-Za-z]/.test(text)) return text;
  if (!isInternetAddress(text)) return refuse(text, context);
  if (kind !== "sequential-packet") return text;
  const message = `${JSON.stringify(text)} cannot take sequential packets.`;
  return context.report({ message, hint: "Only Unix sockets can: begin it with / or @." });
}

function refuse(text: string, context: ValueContext): undefined {
  const message = `${JSON.stringify(text)} is not an address to listen on.`;
  const hint = "Write 80, 127.0.0.1:80, [::1]:80, vsock:2:80, /run/x.sock or @abstract.";
  return context.report({ message, hint });
}

/** The kernel's limit, its NUL included. */
const UNIX_PATH_BYTES_MAX = 108;

function isUnixAddress(text: string): boolean {
  const length = new TextEncoder().encode(text).length;
  return /^[/@]./s.test(text) && length < UNIX_PATH_BYTES_MAX;
}

function isInternetAddress(text: string): boolean {
  const port = (digits: string): boolean => parseInteger(digits, 1, 65_535) !== undefined;
  if (port(text)) return true;
  const vsock = /^vsock:([^:]*):(.*)$/s.exec(text);
  if (vsock !== null) {
    const number = (digits: string): boolean => parseInteger(digits, 0, 0xffff_ffff) !== undefined;
    return (vsock[1] === "" || number(vsock[1]!)) && number(vsock[2]!);
  }
  const six = /^\[([^\]%]+)(?:%[^\]]+)?\]:(.+?)(?:%.+)?$/s.exec(text);
  if (six !== null) return isIpv6(six[1]!) && port(six[2]!);
  const four = /^([^:]+):(.+)$/s.exec(text);
  return four !== null && isIpv4(four[1]!) && port(four[2]!);
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return (
    parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && +part < 256)
  );
}

function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const last = groups.at(-1);
  const mapped = last?.includes(".") === true;
  if (mapped && !isIpv4(last)) return false;
  const words = mapped ? groups.slice(0, -1) : groups;
  const count = words.length + (mapped ? 2 : 0);
  const complete = halves.length === 2 ? count <= 7 : count === 8;
  return complete && words.every((word) => /^[0-9A-Fa-f]{1,4}$/.test(word));
}

const NETLINK_FAMILIES: ReadonlySet<string> = new Set(
  `route firewall inet-diag nflog xfrm selinux iscsi audit fib-lookup connector netfilter ip6-fw
   dnrtmsg kobject-uevent generic scsitransport ecryptfs rdma`.split(/\s+/),
);

/** A family, by name or number, and a group. */
function isNetlink(text: string): boolean {
  const [family = "", group, ...rest] = text.trim().split(/\s+/);
  const known = NETLINK_FAMILIES.has(family) || parseInteger(family, 0, 0x7fff_ffff) !== undefined;
  const inGroup = group === undefined || parseInteger(group, 0, 0xffff_ffff) !== undefined;
  return known && inGroup && rest.length === 0;
}
