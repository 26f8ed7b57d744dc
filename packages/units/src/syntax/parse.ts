import type { Diagnostic, Position, Severity } from "../types.js";
import { LineIndex, skipLineEnd } from "./line-index.js";
import {
  AssignmentNode,
  type AssignmentPlace,
  type Piece,
  type Section,
  type SyntaxNode,
  type UnitFile,
} from "./tree.js";

/** systemd refuses a file with a longer line, or with a longer joined line. Bytes. */
export const LINE_BYTES_MAX: number = 1024 * 1024;

const BACKSLASH = 92;
const HASH = 35;
const SEMICOLON = 59;
const BRACKET = 91;
const BOM = 0xfeff;

/**
 * Takes a unit file apart as systemd 252 does (`config_parse`, systemd.syntax(7)), keeping every
 * character. Never throws: whatever is wrong is in `diagnostics`.
 *
 * @example
 * ```ts
 * const file = parseUnitFile("[Service]\nExecStart=/bin/true\n", { file: "a.service" });
 * file.values("Service", "ExecStart"); // ["/bin/true"]
 * ```
 */
export function parseUnitFile(text: string, options: { file?: string } = {}): UnitFile {
  return new Parser(text, options.file ?? "").parse();
}

/** The exact text again. */
export function serializeUnitFile(file: UnitFile): string {
  let text = "";
  for (const node of file.nodes) text += file.text.slice(node.start, node.end);
  return text;
}

class ParsedFile implements UnitFile {
  readonly file: string;
  readonly text: string;
  readonly nodes: readonly SyntaxNode[];
  readonly sections: readonly Section[];
  readonly assignments: readonly AssignmentNode[];
  readonly diagnostics: readonly Diagnostic[];
  readonly #lines: LineIndex;

  constructor(parser: Parser) {
    this.file = parser.file;
    this.text = parser.text;
    this.nodes = parser.nodes;
    this.sections = parser.sections;
    this.assignments = parser.assignments;
    this.diagnostics = parser.diagnostics;
    this.#lines = parser.lines;
  }

  position(offset: number): Position {
    return this.#lines.position(offset);
  }

  values(section: string, key: string): readonly string[] {
    const found: string[] = [];
    for (const one of this.assignments) {
      if (one.key === key && one.section === section) found.push(one.value);
    }
    return found;
  }
}

class OpenSection implements Section {
  readonly name: string;
  readonly assignments: AssignmentNode[] = [];
  readonly #lines: LineIndex;
  readonly #start: number;
  readonly #end: number;

  constructor(name: string, lines: LineIndex, start: number, end: number) {
    this.name = name;
    this.#lines = lines;
    this.#start = start;
    this.#end = end;
  }

  get span(): Section["span"] {
    return this.#lines.span(this.#start, this.#end);
  }
}

/** A continued line, joined, and where its pieces came from. */
interface Joined {
  text: string;
  bytes: number;
  readonly pieces: Piece[];
}

class Parser {
  readonly text: string;
  readonly file: string;
  readonly lines: LineIndex;
  readonly nodes: SyntaxNode[] = [];
  readonly sections: OpenSection[] = [];
  readonly assignments: AssignmentNode[] = [];
  readonly diagnostics: Diagnostic[] = [];
  /** Without other line ends than \n, line ends are found by indexOf alone. */
  readonly #plain: boolean;
  #section: OpenSection | undefined;
  /** Lines are nobody's business here: behind a broken header, or in a section of someone else. */
  #quiet = false;
  /** The next `=` at or behind the last place asked about: keeps the search linear. */
  #equals = -1;

  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
    this.lines = new LineIndex(text);
    this.#plain = !/[\r\0]/.test(text);
  }

  parse(): UnitFile {
    const { text } = this;
    let at = 0;
    while (at < text.length) {
      const end = this.#lineEnd(at);
      this.#checkLength(at, end);
      const first = this.#skipBlank(at, end);
      if (first === end) {
        const next = this.#next(end);
        this.nodes.push({ kind: "blank", start: at, end: next });
        at = next;
        continue;
      }
      const code = text.charCodeAt(first);
      if (code === HASH || code === SEMICOLON) {
        const next = this.#next(end);
        this.nodes.push({ kind: "comment", start: at, end: next });
        at = next;
      } else if (text.charCodeAt(end - 1) === BACKSLASH && isContinued(text, first, end)) {
        at = this.#continued(at, end);
      } else {
        const next = this.#next(end);
        this.#line(at, next, this.#behindBom(first, end), end);
        at = next;
      }
    }
    this.#checkEncoding();
    return new ParsedFile(this);
  }

  #lineEnd(from: number): number {
    const { text } = this;
    if (this.#plain) {
      const at = text.indexOf("\n", from);
      return at === -1 ? text.length : at;
    }
    let at = from;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === 10 || code === 13 || code === 0) break;
    }
    return at;
  }

  #next(end: number): number {
    if (!this.#plain) return skipLineEnd(this.text, end);
    return end < this.text.length ? end + 1 : end;
  }

  #skipBlank(from: number, end: number): number {
    let at = from;
    while (at < end && isBlank(this.text.charCodeAt(at))) at++;
    return at;
  }

  /** systemd skips a byte order mark at the start of the file, and looks for comments before that. */
  #behindBom(first: number, end: number): number {
    if (first === 0 && this.text.charCodeAt(0) === BOM) {
      let at = 1;
      while (at < end && isBlank(this.text.charCodeAt(at))) at++;
      return at;
    }
    return first;
  }

  /** One logical line on one physical line: `start`–`next` is the node, `from`–`end` its text. */
  #line(start: number, next: number, from: number, end: number): void {
    const { text } = this;
    let last = end;
    while (last > from && isBlank(text.charCodeAt(last - 1))) last--;
    if (last === from) {
      this.nodes.push({ kind: "blank", start, end: next });
      return;
    }
    if (text.charCodeAt(from) === BRACKET) {
      this.#header(start, next, text.slice(from, last), from, last);
      return;
    }
    if (this.#equals < from) {
      this.#equals = text.indexOf("=", from);
      if (this.#equals === -1) this.#equals = text.length;
    }
    const equals = this.#equals;
    if (equals >= last || equals === from) {
      this.#notAnAssignment(start, next, from, last, equals === from);
      return;
    }
    let keyEnd = equals;
    while (isBlank(text.charCodeAt(keyEnd - 1))) keyEnd--;
    const valueStart = this.#skipBlank(equals + 1, last);
    const place = { start, end: next, keyStart: from, keyEnd, valueStart, valueEnd: last };
    this.#assignment(place, text.slice(from, keyEnd), text.slice(valueStart, last), undefined);
  }

  /** Joins a continued line; gives back where the next node begins. */
  #continued(start: number, firstEnd: number): number {
    const { text } = this;
    const from = start === 0 && text.charCodeAt(0) === BOM ? 1 : start;
    const joined: Joined = {
      text: `${text.slice(from, firstEnd - 1)} `,
      bytes: utf8Length(text.slice(from, firstEnd)),
      pieces: [{ index: 0, offset: from }],
    };
    let end = firstEnd;
    let next = this.#next(end);
    while (next < text.length) {
      const at = next;
      end = this.#lineEnd(at);
      this.#checkLength(at, end);
      next = this.#next(end);
      const first = this.#skipBlank(at, end);
      const code = first < end ? text.charCodeAt(first) : 0;
      if (code === HASH || code === SEMICOLON) continue;
      const goesOn = text.charCodeAt(end - 1) === BACKSLASH && isContinued(text, at, end);
      joined.pieces.push({ index: joined.text.length, offset: at });
      joined.text += goesOn ? `${text.slice(at, end - 1)} ` : text.slice(at, end);
      joined.bytes += utf8Length(text.slice(at, end));
      if (joined.bytes > LINE_BYTES_MAX) this.#tooLong(start, end);
      if (!goesOn) break;
    }
    this.#joinedLine(start, next, joined);
    return next;
  }

  #joinedLine(start: number, next: number, joined: Joined): void {
    const { text, pieces } = joined;
    let from = 0;
    let last = text.length;
    while (from < last && isBlank(text.charCodeAt(from))) from++;
    while (last > from && isBlank(text.charCodeAt(last - 1))) last--;
    const at = (index: number): number => {
      let found = pieces[0]!;
      for (const piece of pieces) {
        if (piece.index > index) break;
        found = piece;
      }
      return found.offset + (index - found.index);
    };
    const behind = (index: number): number => (index === 0 ? at(0) : at(index - 1) + 1);
    if (from === last) {
      this.nodes.push({ kind: "blank", start, end: next });
      return;
    }
    if (text.charCodeAt(from) === BRACKET) {
      this.#header(start, next, text.slice(from, last), at(from), behind(last));
      return;
    }
    const equals = text.indexOf("=", from);
    if (equals === -1 || equals >= last || equals === from) {
      this.#notAnAssignment(start, next, at(from), behind(last), equals === from);
      return;
    }
    let keyEnd = equals;
    while (isBlank(text.charCodeAt(keyEnd - 1))) keyEnd--;
    let valueStart = equals + 1;
    while (valueStart < last && isBlank(text.charCodeAt(valueStart))) valueStart++;
    const own = pieces
      .map((piece) => ({ index: piece.index - valueStart, offset: piece.offset }))
      .filter((_piece, index, all) => (all[index + 1]?.index ?? 1) > 0);
    const place = {
      start,
      end: next,
      keyStart: at(from),
      keyEnd: behind(keyEnd),
      valueStart: valueStart < last ? at(valueStart) : behind(valueStart),
      valueEnd: behind(last),
    };
    this.#assignment(place, text.slice(from, keyEnd), text.slice(valueStart, last), own);
  }

  #header(start: number, next: number, line: string, from: number, last: number): void {
    const name = line.slice(1, -1);
    if (!line.endsWith("]") || line.length < 2 || !isSafeName(name)) {
      this.nodes.push({ kind: "invalid", start, end: next });
      this.#section = undefined;
      this.#quiet = true;
      const message = line.endsWith("]")
        ? `The section header ${JSON.stringify(line)} has quotes, backslashes or control characters.`
        : `The section header ${JSON.stringify(line)} does not end in "]".`;
      const hint = "Write a section header as [Name], alone on its line.";
      this.#report("bad-section-header", "error", message, from, last, hint);
      return;
    }
    this.#section = new OpenSection(name, this.lines, from, last);
    this.#quiet = name.startsWith("X-") && name !== "X-Fleet" && name !== "X-Flotilla";
    this.sections.push(this.#section);
    this.nodes.push({ kind: "section", start, end: next, name });
  }

  #assignment(
    place: AssignmentPlace,
    key: string,
    value: string,
    pieces: readonly Piece[] | undefined,
  ): void {
    const section = this.#section;
    const name = section?.name ?? "";
    const node = new AssignmentNode(this.lines, name, key, value, place, pieces);
    this.nodes.push(node);
    if (section === undefined) {
      if (this.#quiet) return;
      const message = `${key}= stands before any section and is ignored.`;
      const hint = "Put a header such as [Service] above it.";
      this.#report("no-section", "warning", message, place.keyStart, place.valueEnd, hint);
      return;
    }
    section.assignments.push(node);
    this.assignments.push(node);
  }

  #notAnAssignment(start: number, next: number, from: number, last: number, keyless: boolean) {
    this.nodes.push({ kind: "invalid", start, end: next });
    if (this.#quiet) return;
    if (this.#section === undefined && !keyless) {
      const message = "This line stands before any section and is ignored.";
      this.#report("no-section", "warning", message, from, last, "Begin comments with #.");
    } else if (keyless) {
      const message = `There is no key before "=", the line is ignored.`;
      this.#report("missing-key", "warning", message, from, last, "Write Key=value.");
    } else {
      const message = `There is no "=" on this line, it is ignored.`;
      const hint = `Write Key=value; begin comments with #; end a line with \\ to continue it.`;
      this.#report("missing-equals", "warning", message, from, last, hint);
    }
  }

  #checkLength(start: number, end: number): void {
    if (end - start <= LINE_BYTES_MAX / 3) return;
    if (utf8Length(this.text.slice(start, end)) < LINE_BYTES_MAX) return;
    this.#tooLong(start, end);
  }

  #tooLong(start: number, end: number): void {
    if (this.diagnostics.some((one) => one.code === "line-too-long")) return;
    const message = "This line is longer than 1 MiB: systemd refuses the whole file.";
    this.#report("line-too-long", "error", message, start, end, "Move the data to a file.");
  }

  /** Lone surrogates have no UTF-8 form; U+FFFD is what a decoder leaves of invalid bytes. */
  #checkEncoding(): void {
    const bad = /[\ufffd]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
    if (!bad.test(this.text)) return;
    for (const node of this.nodes) {
      if (node.kind === "comment" || node.kind === "blank") continue;
      const at = this.text.slice(node.start, node.end).search(bad);
      if (at === -1) continue;
      const offset = node.start + at;
      const lone = this.text.charCodeAt(offset) !== 0xfffd;
      const message = lone
        ? "This character is not valid Unicode: systemd refuses the whole file."
        : "U+FFFD: the file was probably not valid UTF-8, which systemd refuses.";
      const severity = lone ? "error" : "warning";
      this.#report("invalid-utf8", severity, message, offset, offset + 1, "Save it as UTF-8.");
    }
  }

  #report(
    code: string,
    severity: Severity,
    message: string,
    start: number,
    end: number,
    hint: string,
  ): void {
    const span = this.lines.span(start, end);
    this.diagnostics.push({ code, severity, message, hint, file: this.file, span });
  }
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 10 || code === 13;
}

/** True for an odd number of backslashes at the end. */
function isContinued(text: string, from: number, end: number): boolean {
  let at = end;
  while (at > from && text.charCodeAt(at - 1) === BACKSLASH) at--;
  return (end - at) % 2 === 1;
}

/** systemd's string_is_safe(): no control characters, quotes or backslashes. */
function isSafeName(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  return !/[\x00-\x1f\x7f"'\\]/.test(name);
}

function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x800) bytes += code >= 0xd800 && code <= 0xdfff ? 1 : 2;
    else if (code >= 0x80) bytes += 1;
  }
  return bytes;
}
