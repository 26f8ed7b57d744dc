import { UnitsError } from "../errors.js";

interface Range {
  readonly low: number;
  readonly high: number;
}

type Token =
  | { readonly kind: "star" }
  | { readonly kind: "any" }
  | { readonly kind: "char"; readonly code: number }
  | { readonly kind: "class"; readonly negated: boolean; readonly ranges: readonly Range[] };

const SLASH = 47;

/**
 * Go's path.Match: `*` and `?` never match `/`, `[a-z]` and `[^a]` are classes, `\c` is c; the
 * whole name must match.
 *
 * @throws UnitsError "invalid-pattern" wherever Go gives ErrBadPattern.
 * @example
 * ```ts
 * pathMatch("web@*.service", "web@1.service"); // true
 * ```
 */
export function pathMatch(pattern: string, name: string): boolean {
  return compilePattern(pattern)(name);
}

/** `pathMatch` with the pattern read once, for many names. */
export function compilePattern(pattern: string): (name: string) => boolean {
  if (!/[*?[\\]/.test(pattern)) return (name) => name === pattern;
  const tokens = new PatternReader(pattern).read();
  return (name) => matches(tokens, name);
}

/**
 * Only the last star is ever tried again: like Go, and unlike shells, which would let an earlier
 * star grow. So the work is bounded by pattern × name.
 */
function matches(tokens: readonly Token[], name: string): boolean {
  const codes = Array.from(name, (char) => char.codePointAt(0)!);
  let token = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (token < tokens.length || at < codes.length) {
    const one = tokens[token];
    if (one?.kind === "star") {
      star = token++;
      starAt = at;
    } else if (one !== undefined && at < codes.length && accepts(one, codes[at]!)) {
      token++;
      at++;
    } else if (star !== -1 && starAt < codes.length && codes[starAt] !== SLASH) {
      at = ++starAt;
      token = star + 1;
    } else {
      return false;
    }
  }
  return true;
}

function accepts(token: Token, code: number): boolean {
  switch (token.kind) {
    case "any":
      return code !== SLASH;
    case "char":
      return token.code === code;
    case "class":
      return token.ranges.some(({ low, high }) => low <= code && code <= high) !== token.negated;
    case "star":
      return false;
  }
}

class PatternReader {
  readonly #pattern: string;
  readonly #chars: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#chars = [...pattern];
  }

  read(): Token[] {
    const tokens: Token[] = [];
    while (this.#at < this.#chars.length) {
      const char = this.#chars[this.#at++]!;
      if (char === "*") {
        if (tokens.at(-1)?.kind !== "star") tokens.push({ kind: "star" });
      } else if (char === "?") {
        tokens.push({ kind: "any" });
      } else if (char === "[") {
        tokens.push(this.#class());
      } else {
        if (char === "\\" && this.#at === this.#chars.length) throw this.#bad("it ends in \\");
        const literal = char === "\\" ? this.#chars[this.#at++]! : char;
        tokens.push({ kind: "char", code: literal.codePointAt(0)! });
      }
    }
    return tokens;
  }

  #class(): Token {
    const negated = this.#chars[this.#at] === "^";
    if (negated) this.#at++;
    const ranges: Range[] = [];
    while (this.#chars[this.#at] !== "]" || ranges.length === 0) {
      const low = this.#classChar();
      let high = low;
      if (this.#chars[this.#at] === "-") {
        this.#at++;
        high = this.#classChar();
      }
      ranges.push({ low, high });
    }
    this.#at++;
    return { kind: "class", negated, ranges };
  }

  #classChar(): number {
    let char = this.#chars[this.#at++];
    if (char === "-" || char === "]") throw this.#bad(`${char} must be escaped in [ ]`);
    if (char === "\\") char = this.#chars[this.#at++];
    if (char === undefined || this.#at >= this.#chars.length) throw this.#bad("a [ is not closed");
    return char.codePointAt(0)!;
  }

  #bad(why: string): UnitsError {
    const message = `${JSON.stringify(this.#pattern)} is not a pattern: ${why}.`;
    return new UnitsError("invalid-pattern", message, { hint: "Put \\ before a literal [ or \\." });
  }
}
