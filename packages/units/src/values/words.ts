import { UnitsError } from "../errors.js";

/** How words are read; systemd's settings differ in these. */
export interface WordOptions {
  /** Undo quotes (default true). */
  readonly unquote?: boolean;
  /** Undo C escapes such as `\n` and `\x41` (default true); else `\c` is `c`. */
  readonly unescape?: boolean;
  /** Keep backslashes as they are, as dependency lists do. */
  readonly retainEscape?: boolean;
  /** Keep unknown escapes as they are rather than failing. */
  readonly relaxEscapes?: boolean;
  /** Take the end of the text for a missing closing quote. */
  readonly relaxQuotes?: boolean;
}

/** A word and where it stood in the text: `start` to `end`, quotes included. */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** What `nextWord` found wrong; `index` is the place of the quote or backslash. */
export interface WordProblem {
  readonly problem: "quote" | "escape";
  readonly index: number;
}

const BLANK = " \t\n\r";

/**
 * Reads one word at `from` by systemd's quoting rules (systemd.syntax(7), "Quoting"): `'…'` and
 * `"…"` open and close anywhere in a word. Undefined at the end of the text.
 */
export function nextWord(
  text: string,
  from: number,
  options: WordOptions = {},
): Word | WordProblem | undefined {
  let at = from;
  while (at < text.length && BLANK.includes(text[at]!)) at++;
  if (at === text.length) return undefined;
  const start = at;
  const plain = plainEnd(text, at);
  if (plain !== -1) return { text: text.slice(at, plain), start, end: plain };
  const { unquote = true, unescape: undo = true, retainEscape = false } = options;
  const { relaxEscapes = false, relaxQuotes = false } = options;
  let word = "";
  let quote = "";
  let opened = at;
  for (; at < text.length; at++) {
    const char = text[at]!;
    if (char === "\\" && !retainEscape) {
      if (at + 1 === text.length) {
        if (relaxEscapes && quote === "") word += "\\";
        else if (!relaxQuotes) return { problem: "escape", index: at };
        continue;
      }
      const escaped = undo ? readEscape(text, at) : { text: text[at + 1]!, length: 2 };
      if (escaped !== undefined) {
        word += escaped.text;
        at += escaped.length - 1;
      } else if (relaxEscapes) {
        word += `\\${text[++at]!}`;
      } else {
        return { problem: "escape", index: at };
      }
    } else if (quote !== "") {
      if (char === quote) quote = "";
      else word += char;
    } else if (unquote && (char === "'" || char === '"')) {
      quote = char;
      opened = at;
    } else if (BLANK.includes(char)) {
      break;
    } else {
      word += char;
    }
  }
  if (quote !== "" && !relaxQuotes) return { problem: "quote", index: opened };
  return { text: decodeBytes(word), start, end: at };
}

/** The end of a word without quotes and backslashes, which most are; -1 for others. */
function plainEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 34 || code === 39 || code === 92) return -1;
    if (code === 32 || code === 9 || code === 10 || code === 13) return at;
  }
  return text.length;
}

/**
 * Splits a value into words, quotes and escapes undone.
 *
 * @throws UnitsError "invalid-quoting"
 * @example
 * ```ts
 * splitWords(`a "b c" d\\x41`); // ["a", "b c", "dA"]
 * ```
 */
export function splitWords(text: string, options: WordOptions = {}): string[] {
  const words: string[] = [];
  for (let at = 0; ; ) {
    const word = nextWord(text, at, options);
    if (word === undefined) return words;
    if ("problem" in word) {
      const what = word.problem === "quote" ? "A quote is not closed" : "There is no such escape";
      throw new UnitsError("invalid-quoting", `${what}: ${JSON.stringify(text)}.`);
    }
    words.push(word.text);
    at = word.end;
  }
}

const SIMPLE: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
  s: " ",
};

/**
 * Bytes over 0x7f that `\xHH` and `\nnn` make are held as private-use characters until the word is
 * whole, since several of them can form one UTF-8 character.
 */
const BYTE_BASE = 0x10f700;

function readEscape(text: string, at: number): { text: string; length: number } | undefined {
  const char = text[at + 1]!;
  const simple = SIMPLE[char];
  if (simple !== undefined) return { text: simple, length: 2 };
  if (char >= "0" && char <= "7") {
    const digits = text.slice(at + 1, at + 4);
    return /^[0-3][0-7]{2}$/.test(digits) ? byte(Number.parseInt(digits, 8)) : undefined;
  }
  const length = HEX_DIGITS[char];
  if (length === undefined) return undefined;
  const digits = text.slice(at + 2, at + 2 + length);
  if (digits.length < length || !/^[0-9a-fA-F]+$/.test(digits)) return undefined;
  const value = Number.parseInt(digits, 16);
  if (char === "x") return byte(value);
  if (value === 0 || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return undefined;
  return { text: String.fromCodePoint(value), length: 2 + length };
}

const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** Both `\xHH` and `\nnn` are four characters long. */
function byte(value: number): { text: string; length: number } | undefined {
  if (value === 0) return undefined;
  const text = value < 0x80 ? String.fromCharCode(value) : String.fromCodePoint(BYTE_BASE + value);
  return { text, length: 4 };
}

/** Runs of escaped bytes become the characters they encode. */
function decodeBytes(word: string): string {
  if (!word.includes("\udbfd")) return word;
  return word.replace(/[\u{10f780}-\u{10f7ff}]+/gu, (run) => {
    const bytes = [...run].map((char) => char.codePointAt(0)! - BYTE_BASE);
    return new TextDecoder().decode(new Uint8Array(bytes));
  });
}
