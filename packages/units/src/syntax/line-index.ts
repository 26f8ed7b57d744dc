import type { Position, Span } from "../types.js";

/**
 * Turns offsets into lines and columns. Line starts are found on the first question only: most
 * files have nothing to complain about and never pay for it.
 */
export class LineIndex {
  readonly #text: string;
  #starts: number[] | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  position(offset: number): Position {
    this.#starts ??= lineStarts(this.#text);
    const starts = this.#starts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low]! + 1, offset };
  }

  span(start: number, end: number): Span {
    return { start: this.position(start), end: this.position(end) };
  }
}

const LF = 10;
const CR = 13;
const NUL = 0;

/**
 * The offset just behind the line end that begins at `offset`. systemd takes a run of *different*
 * end characters as one line end (`\r\n`, `\n\r`, `\n\0`), and nothing joins after a NUL.
 */
export function skipLineEnd(text: string, offset: number): number {
  let seen = 0;
  let at = offset;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    const bit = code === LF ? 1 : code === CR ? 2 : code === NUL ? 4 : 0;
    if (bit === 0 || (seen & (bit | 4)) !== 0) break;
    seen |= bit;
    at++;
  }
  return at;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  if (!/[\r\0]/.test(text)) {
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) {
      starts.push(at + 1);
    }
    return starts;
  }
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === LF || code === CR || code === NUL) {
      at = skipLineEnd(text, at);
      starts.push(at);
    } else {
      at++;
    }
  }
  return starts;
}
