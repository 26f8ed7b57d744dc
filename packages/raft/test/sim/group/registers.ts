import type { AppliedEntry, Codec, StateMachine } from "../../../src/node/index.js";

/** Sets a register to a value that no other command sets. */
export interface Write {
  readonly key: number;
  readonly value: number;
}

export const writeCodec: Codec<Write> = {
  encode: ({ key, value }) => Buffer.from(`${key},${value}`),
  decode: (bytes) => {
    const [key, value] = Buffer.from(bytes).toString().split(",").map(Number);
    return { key: key!, value: value! };
  },
};

interface State {
  readonly index: number;
  readonly digest: number;
  readonly registers: readonly (readonly [number, number])[];
}

/** Registers, and a digest of all that was applied: equal at equal indexes, or members differ. */
export class Registers implements StateMachine<Write, number> {
  #registers = new Map<number, number>();
  #digest = 0;
  index = 0;
  /** Called after each entry. */
  onApplied: (index: number, digest: number) => void = () => {};
  /** Bytes that a snapshot carries for nothing, so that it has several pieces. */
  readonly #padding: number;

  constructor(padding: number) {
    this.#padding = padding;
  }

  read(key: number): number {
    return this.#registers.get(key) ?? 0;
  }

  apply(entries: readonly AppliedEntry<Write>[]): number[] {
    return entries.map(({ index, term, command }) => {
      if (index !== this.index + 1) throw new Error(`${index} was applied after ${this.index}`);
      this.index = index;
      const seen = [this.#digest, index, term, command?.key ?? -1, command?.value ?? -1];
      this.#digest = seen.reduce((sum, number) => (Math.imul(sum, 31) + number) | 0, 7);
      if (command) this.#registers.set(command.key, command.value);
      this.onApplied(index, this.#digest);
      return command?.value ?? 0;
    });
  }

  async *snapshot(): AsyncGenerator<Uint8Array> {
    const { index } = this;
    const state: State = { index, digest: this.#digest, registers: [...this.#registers] };
    yield Buffer.from(`${JSON.stringify(state)}\n`);
    if (this.#padding > 0) yield new Uint8Array(this.#padding);
  }

  async restore(chunks: AsyncIterable<Uint8Array>, at: { index: number }): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    const text = Buffer.concat(parts).toString();
    const { index, digest, registers } = JSON.parse(text.slice(0, text.indexOf("\n"))) as State;
    if (index !== at.index) throw new Error(`the snapshot at ${at.index} is of ${index}`);
    this.index = index;
    this.#digest = digest;
    this.#registers = new Map(registers.map(([key, value]) => [key, value]));
    this.onApplied(index, digest);
  }
}
