import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export const H2LOAD = "/usr/bin/h2load";

export interface Load {
  readonly url: string;
  /** Path of a file with one length-prefixed gRPC message. */
  readonly body: string;
  readonly requests: number;
  readonly connections: number;
  readonly streams: number;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly succeeded: number;
}

/** Sends the same request again and again with Debian's h2load (package nghttp2-client). */
export function h2load({ url, body, requests, connections, streams }: Load): Promise<LoadResult> {
  const args = [
    `--requests=${requests}`,
    `--clients=${connections}`,
    `--max-concurrent-streams=${streams}`,
    `--data=${body}`,
    "--header=content-type: application/grpc",
    "--header=te: trailers",
    url,
  ];
  return new Promise((resolve, reject) => {
    execFile(H2LOAD, args, { timeout: 120_000 }, (error, stdout) => {
      if (error !== null) return reject(error);
      const rate = /finished in .*?, ([\d.]+) req\/s/.exec(stdout);
      const succeeded = /(\d+) succeeded/.exec(stdout);
      if (rate === null || succeeded === null) return reject(new Error(stdout));
      resolve({ perSecond: Number(rate[1]), succeeded: Number(succeeded[1]) });
    });
  });
}

/** A gRPC message: flag, length, bytes. */
export function writeBody(directory: string, name: string, message: Uint8Array): string {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  const path = join(directory, name);
  writeFileSync(path, frame);
  return path;
}

/** PutRequest and RangeRequest of one key: field 1 the key, field 2 the value. */
export function putMessage(key: string, value: Uint8Array): Uint8Array {
  return Buffer.concat([field(1, Buffer.from(key)), field(2, value)]);
}

export function rangeMessage(key: string): Uint8Array {
  return field(1, Buffer.from(key));
}

function field(number: number, bytes: Uint8Array): Buffer {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  length.push(rest);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
}
