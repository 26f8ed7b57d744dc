import type { JsonValue } from "@bufbuild/protobuf";
import { KvError } from "../../api/errors.js";

const STRING_OR_LONG_INTEGER = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;

/** Parses JSON whose 64-bit integers may come as numbers: those that a double cannot hold stay as text. */
export function parseJson(json: string): JsonValue {
  const quoted = json.replace(STRING_OR_LONG_INTEGER, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );
  return JSON.parse(quoted) as JsonValue;
}

/**
 * Cuts a body into the JSON documents that follow each other in it, whatever its chunks: a stream of
 * requests. Throws KvError when one is longer than `maxLength` characters, or is no object.
 */
export class JsonDocuments {
  readonly #maxLength: number;
  #text = "";
  #depth = 0;
  #inString = false;
  #escaped = false;
  #scanned = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** The documents that are whole with this chunk. */
  push(chunk: string): string[] {
    this.#text += chunk;
    const documents: string[] = [];
    let start = 0;
    for (let i = this.#scanned; i < this.#text.length; i++) {
      this.#step(this.#text[i] as string);
      if (this.#depth > 0 || this.#inString || this.#text[i] !== "}") continue;
      documents.push(this.#text.slice(start, i + 1));
      start = i + 1;
    }
    this.#text = this.#text.slice(start);
    this.#scanned = this.#text.length;
    if (this.#text.length > this.#maxLength) throw new KvError("request-too-large");
    return documents;
  }

  /** True when something is left that is no whole document. */
  get isCut(): boolean {
    return this.#text.trim() !== "";
  }

  #step(character: string): void {
    if (this.#escaped) this.#escaped = false;
    else if (this.#inString && character === "\\") this.#escaped = true;
    else if (character === '"') this.#inString = !this.#inString;
    else if (this.#inString) return;
    else if (character === "{") this.#depth++;
    else if (character === "}") this.#depth = Math.max(0, this.#depth - 1);
  }
}
