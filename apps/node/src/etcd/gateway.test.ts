import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { parseGateway, startGateway } from "./gateway.js";

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** A server that says its name and hangs up. */
async function named(name: string): Promise<Server & { readonly address: string }> {
  const server = createServer((socket) => socket.end(name));
  open.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as { port: number };
  return Object.assign(server, { address: `127.0.0.1:${port}` }) as never;
}

async function ask(address: string): Promise<string> {
  const [host, port] = address.split(":");
  const socket = connect(Number(port), host);
  let said = "";
  for await (const chunk of socket) said += String(chunk);
  return said;
}

test("connections go to the endpoints in turn, past one that is gone", async () => {
  const [a, gone, b] = [await named("a"), await named("gone"), await named("b")];
  const endpoints = [a, gone, b].map(({ address }) => address).join();
  gone.close();
  const gateway = await startGateway(
    parseGateway([`--endpoints=${endpoints}`, "start", "--listen-addr", "127.0.0.1:0"]),
  );
  open.push({ close: () => gateway.stop() });
  const said: string[] = [];
  for (let i = 0; i < 4; i++) said.push(await ask(gateway.address));
  expect(said).toEqual(["a", "b", "b", "a"]);
  a.close();
  b.close();
  expect(await ask(gateway.address)).toBe("");
});

test.each([
  [["--endpoints=a:1"], "the one verb is start"],
  [["start", "--endpoints=nonsense"], '"nonsense" is not of the form host:port'],
  [["start", "--nonsense=1"], "unknown flag: --nonsense"],
  [["start", "--retry-delay=soon"], "--retry-delay"],
])("%j is refused", (argv, message) => {
  expect(() => parseGateway(argv)).toThrow(message);
});
