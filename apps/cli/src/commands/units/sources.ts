import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { CliError, messageOf } from "../../errors.js";

/** A unit file that was named on the command line. */
export interface Source {
  /** As it was named; `-` for standard input. */
  readonly path: string;
  /** The unit's name. */
  readonly name: string;
  readonly text: string;
}

/** Reads the files; `-` is standard input, which is called `stdinName`. */
export async function readSources(paths: readonly string[], stdinName: string): Promise<Source[]> {
  const sources: Source[] = [];
  for (const path of paths) {
    sources.push(
      path === "-"
        ? { path, name: stdinName, text: await readStdin() }
        : { path, name: basename(path), text: await read(path) },
    );
  }
  return sources;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new CliError(`${path} cannot be read: ${messageOf(cause)}`, { cause, exitCode: 2 });
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
