import { createServer } from "node:net";

/** Below Linux's ephemeral range (32768–60999), so that no outgoing connection takes one meanwhile. */
const FIRST = 20_000;
const LAST = 32_000;

let next = FIRST + Math.floor(Math.random() * (LAST - FIRST));

/** `count` loopback ports that nothing listens on, different at each call of this process. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries++) {
    if (tries > LAST - FIRST) throw new Error("no free port on loopback");
    next = next >= LAST ? FIRST : next + 1;
    if (await isFree(next)) ports.push(next);
  }
  return ports;
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
