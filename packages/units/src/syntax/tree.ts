import type { Assignment, Diagnostic, Position, Span } from "../types.js";
import type { LineIndex } from "./line-index.js";

/**
 * A stretch of whole physical lines. The nodes of a file abut: joined in order they are its text.
 *
 * - `blank`: nothing but white space
 * - `comment`: begins with `#` or `;`
 * - `section`: `[Name]`
 * - `assignment`: `Key=value`, with its continuation lines and the comments among them
 * - `invalid`: what systemd refuses or ignores; a diagnostic tells why
 */
export type SyntaxNode = BlankNode | SectionNode | AssignmentNode;

/** A line that carries no setting. `start` and `end` are offsets, the line end included. */
export interface BlankNode {
  readonly kind: "blank" | "comment" | "invalid";
  readonly start: number;
  readonly end: number;
}

/** A section header; `end` is behind its line end. */
export interface SectionNode {
  readonly kind: "section";
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

/** One header and the assignments up to the next. A name can come several times: systemd merges them. */
export interface Section {
  readonly name: string;
  readonly span: Span;
  readonly assignments: readonly AssignmentNode[];
}

/** Where a piece of a joined value came from: value index → offset in the text. */
export interface Piece {
  readonly index: number;
  readonly offset: number;
}

/** The offsets of an assignment: of the whole node with its line ends, of the key, of the value. */
export interface AssignmentPlace {
  readonly start: number;
  readonly end: number;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** An {@link Assignment} that knows its place in the tree. Spans are computed when asked for. */
export class AssignmentNode implements Assignment {
  readonly kind = "assignment" as const;
  readonly section: string;
  readonly key: string;
  readonly value: string;
  readonly place: AssignmentPlace;
  readonly #lines: LineIndex;
  readonly #pieces: readonly Piece[] | undefined;

  constructor(
    lines: LineIndex,
    section: string,
    key: string,
    value: string,
    place: AssignmentPlace,
    pieces: readonly Piece[] | undefined,
  ) {
    this.section = section;
    this.key = key;
    this.value = value;
    this.place = place;
    this.#lines = lines;
    this.#pieces = pieces;
  }

  /** Offset where the node begins. */
  get start(): number {
    return this.place.start;
  }

  /** Offset behind the node's last line end. */
  get end(): number {
    return this.place.end;
  }

  get keySpan(): Span {
    return this.#lines.span(this.place.keyStart, this.place.keyEnd);
  }

  get valueSpan(): Span {
    return this.#lines.span(this.place.valueStart, this.place.valueEnd);
  }

  /** Where in the text the character at `index` of the joined value stands, continuations considered. */
  positionInValue(index: number): Position {
    return this.#lines.position(this.#offsetInValue(index));
  }

  /** The span of `length` characters of the joined value from `index` on. */
  spanInValue(index: number, length: number): Span {
    const start = this.#offsetInValue(index);
    const end = length === 0 ? start : this.#offsetInValue(index + length - 1) + 1;
    return this.#lines.span(start, end);
  }

  #offsetInValue(index: number): number {
    if (this.#pieces === undefined) return this.place.valueStart + index;
    let found = this.#pieces[0]!;
    for (const piece of this.#pieces) {
      if (piece.index > index) break;
      found = piece;
    }
    return found.offset + (index - found.index);
  }
}

/** A unit file, taken apart without loss. Made by `parseUnitFile`; edits make a new one. */
export interface UnitFile {
  /** The name that diagnostics carry; "" when none was given. */
  readonly file: string;
  /** The exact text. */
  readonly text: string;
  /** Every line of the text, in order. */
  readonly nodes: readonly SyntaxNode[];
  readonly sections: readonly Section[];
  /** All assignments that stand in a section, in order. */
  readonly assignments: readonly AssignmentNode[];
  /** What is wrong with the syntax; what is wrong with the meaning comes from `loadUnit`. */
  readonly diagnostics: readonly Diagnostic[];
  /** Offset (UTF-16 units) to line and column. */
  position(offset: number): Position;
  /** The raw values of a key in order, empty ones included; spelling counts. */
  values(section: string, key: string): readonly string[];
}
