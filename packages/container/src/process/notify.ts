/** Splits an sd_notify(3) datagram: `NAME=value` lines; of a repeated name the last counts. */
export function parseNotify(datagram: Buffer): Readonly<Record<string, string>> {
  const message: Record<string, string> = Object.create(null);
  for (const line of datagram.toString().split("\n")) {
    const equals = line.indexOf("=");
    if (equals > 0) message[line.slice(0, equals)] = line.slice(equals + 1);
  }
  return message;
}
