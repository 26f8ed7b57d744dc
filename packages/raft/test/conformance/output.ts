/** Collects what a command prints; nothing at log level "none". */
export class Output {
  quiet = false;
  #text = "";

  reset(): void {
    this.#text = "";
  }

  write(text: string): void {
    if (!this.quiet) this.#text += text;
  }

  line(text: string): void {
    this.write(`${text}\n`);
  }

  /** Indents what `run` prints. */
  indent(run: () => void): void {
    const before = this.#text;
    this.#text = "";
    try {
      run();
    } finally {
      const lines = this.#text.replace(/\n$/, "").split("\n");
      const inner = this.#text === "" ? "" : lines.map((line) => `  ${line}\n`).join("");
      this.#text = before + inner;
    }
  }

  toString(): string {
    return this.#text;
  }
}
