import { constants, createWriteStream, type WriteStream } from "node:fs";
import type { ServiceSection } from "@flotilla/units";
import type { OutputChunk } from "../runtime.js";

/** Bytes that may wait for a file of StandardOutput=; what comes beyond is dropped. */
const FILE_BUFFER_BYTES_MAX = 1024 * 1024;

type Stream = OutputChunk["stream"];
type Target =
  | { readonly kind: "journal" }
  | { readonly kind: "null" }
  | { readonly kind: "file"; readonly path: string; readonly flags: number };

const WRITE = constants.O_WRONLY | constants.O_CREAT;

/** Where a service's stdout and stderr go: the journal, nowhere, or a file. */
export class OutputRouter {
  readonly #targets: Readonly<Record<Stream, Target>>;
  readonly #toJournal: (chunk: OutputChunk) => void;
  readonly #problem: (message: string) => void;
  readonly #files = new Map<string, WriteStream>();
  readonly #full = new Set<string>();

  constructor(
    service: Pick<ServiceSection, "standardOutput" | "standardError">,
    toJournal: (chunk: OutputChunk) => void,
    problem: (message: string) => void,
  ) {
    const stdout = parseTarget(service.standardOutput) ?? { kind: "journal" };
    this.#targets = { stdout, stderr: parseTarget(service.standardError) ?? stdout };
    this.#toJournal = toJournal;
    this.#problem = problem;
  }

  write(chunk: OutputChunk): void {
    const target = this.#targets[chunk.stream];
    if (target.kind === "journal") this.#toJournal(chunk);
    else if (target.kind === "file") this.#writeFile(target.path, target.flags, chunk.data);
  }

  /** Resolves when the files have taken what they were given. */
  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    await Promise.all(
      files.map((file) => {
        if (file.destroyed) return undefined;
        return new Promise<void>((resolve) => {
          file.once("close", resolve);
          file.end();
        });
      }),
    );
  }

  #writeFile(path: string, flags: number, data: Uint8Array): void {
    const file = this.#files.get(path) ?? this.#open(path, flags);
    if (file.destroyed) return;
    if (file.writableLength > FILE_BUFFER_BYTES_MAX) {
      if (!this.#full.has(path)) this.#problem(`Output to ${path} is too slow: some is dropped.`);
      this.#full.add(path);
      return;
    }
    file.write(data);
  }

  #open(path: string, flags: number): WriteStream {
    // Node's types know flags only by name; file: has none (it writes from the start, cutting nothing).
    const file = createWriteStream(path, { flags: flags as unknown as string, mode: 0o644 });
    file.on("error", (error) => this.#problem(`Output to ${path} fails: ${error.message}`));
    this.#files.set(path, file);
    return file;
  }
}

/** StandardOutput= (systemd.exec(5)); undefined for `inherit`. What is not a file goes to the journal. */
function parseTarget(setting: string): Target | undefined {
  if (setting === "inherit" || setting === "") return undefined;
  if (setting === "null") return { kind: "null" };
  const [, kind, path] = /^(file|append|truncate):(\/.*)$/.exec(setting) ?? [];
  if (kind === undefined || path === undefined) return { kind: "journal" };
  const extra = { file: 0, append: constants.O_APPEND, truncate: constants.O_TRUNC }[kind] ?? 0;
  return { kind: "file", path, flags: WRITE | extra };
}
