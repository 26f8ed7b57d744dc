import { isEnvironmentName } from "./environment.js";

/** What a file of `EnvironmentFile=` holds; later assignments win. */
export interface EnvironmentFile {
  readonly variables: Readonly<Record<string, string>>;
  /** Lines (1-based) that systemd ignores, with why. */
  readonly problems: readonly { readonly line: number; readonly message: string }[];
}

/**
 * Reads the text of an `EnvironmentFile=` as systemd does (systemd.exec(5)): `NAME=value` lines;
 * comments begin with `#` or `;`; `'…'` is raw and `"…"` knows `\"`, `\\`, `` \` ``, `\$`; outside of
 * quotes `\c` is `c`; a backslash before a line end joins the lines. Nothing is expanded. Never throws.
 *
 * @example
 * ```ts
 * parseEnvironmentFile("A=1\nB='x y'\n").variables; // { A: "1", B: "x y" }
 * ```
 */
export function parseEnvironmentFile(text: string): EnvironmentFile {
  return new EnvironmentFileReader(text).read();
}

class EnvironmentFileReader {
  readonly #text: string;
  readonly #variables = new Map<string, string>();
  readonly #problems: { line: number; message: string }[] = [];
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text.startsWith("\ufeff") ? text.slice(1) : text;
  }

  read(): EnvironmentFile {
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at]!;
      if (isBlank(char)) this.#take();
      else if (char === "#" || char === ";") this.#comment();
      else this.#assignment();
    }
    return { variables: Object.fromEntries(this.#variables), problems: this.#problems };
  }

  #take(): string {
    const char = this.#text[this.#at++] ?? "";
    if (char === "\n") this.#line++;
    return char;
  }

  /** A comment goes on behind a backslash, too. */
  #comment(): void {
    while (this.#at < this.#text.length) {
      const char = this.#take();
      if (char === "\\") this.#take();
      else if (char === "\n" || char === "\r") return;
    }
  }

  #assignment(): void {
    const line = this.#line;
    let key = "";
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined || char === "\n" || char === "\r") {
        this.#problems.push({ line, message: `There is no "=" on this line.` });
        return;
      }
      this.#take();
      if (char === "=") break;
      key += char;
    }
    const name = key.trimEnd();
    const value = this.#value();
    if (!isEnvironmentName(name)) {
      this.#problems.push({ line, message: `${JSON.stringify(name)} is not a variable name.` });
      return;
    }
    this.#variables.set(name, value);
  }

  /**
   * Quotes count at the beginning and behind other quoted pieces only; once an unquoted piece has
   * begun they are characters, and it reaches to the end of the line without its trailing blanks.
   */
  #value(): string {
    let value = "";
    while (this.#at < this.#text.length) {
      const char = this.#take();
      if (char === "\n" || char === "\r") return value;
      if (char === "'" || char === '"') value += this.#quoted(char);
      else if (!isBlank(char)) {
        this.#at--;
        return value + this.#bare();
      }
    }
    return value;
  }

  #bare(): string {
    let value = "";
    let kept = 0;
    while (this.#at < this.#text.length) {
      const char = this.#take();
      if (char === "\n" || char === "\r") break;
      if (char === "\\") {
        const next = this.#take();
        if (next !== "\n" && next !== "\r") value += next;
        kept = value.length;
      } else {
        value += char;
        if (!isBlank(char)) kept = value.length;
      }
    }
    return value.slice(0, kept);
  }

  #quoted(quote: string): string {
    let value = "";
    while (this.#at < this.#text.length) {
      const char = this.#take();
      if (char === quote) break;
      if (char === "\\" && quote === '"') {
        const next = this.#take();
        if (next === "\n") continue;
        value += '"\\`$'.includes(next) && next !== "" ? next : `\\${next}`;
      } else {
        value += char;
      }
    }
    return value;
  }
}

function isBlank(char: string): boolean {
  return char === " " || char === "\t" || char === "\n" || char === "\r";
}
