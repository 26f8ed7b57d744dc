import { existsSync } from "node:fs";
import { CliError } from "../errors.js";

/** Where a node's API answers: an HTTP address or a unix socket. */
export type Endpoint =
  | { readonly type: "tcp"; readonly host: string; readonly port: number; readonly text: string }
  | { readonly type: "unix"; readonly path: string; readonly text: string };

/** The default data directory's socket, then the API's default address. */
const SOCKET = "/var/lib/flotilla/api.sock";
const ADDRESS = "http://127.0.0.1:49153";

/** `http://host:port` or `unix:///path`, several with commas between: tried in this order. */
export function parseEndpoints(text: string | undefined): readonly Endpoint[] {
  const given = text ?? (existsSync(SOCKET) ? `unix://${SOCKET}` : ADDRESS);
  const endpoints = given.split(",").map((part) => parse(part.trim()));
  return endpoints;
}

function parse(text: string): Endpoint {
  if (text.startsWith("unix://")) return { type: "unix", path: text.slice(7), text };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" || url.port === "") {
    throw new CliError(`--endpoint: "${text}" is no endpoint`, {
      hint: "give http://HOST:PORT or unix:///PATH, several with commas between",
      exitCode: 2,
    });
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return { type: "tcp", host, port: Number(url.port), text };
}
