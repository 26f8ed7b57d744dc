import type { Entry } from "../../core/types.js";

/** What the simulator proposes: a unique value for a key. */
export interface Write {
  readonly key: number;
  readonly value: number;
}

const WRITE_BYTES = 9;

export function encodeWrite({ key, value }: Write, padding = 0): Uint8Array {
  const bytes = new Uint8Array(WRITE_BYTES + padding);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, key);
  view.setFloat64(1, value);
  return bytes;
}

export function decodeWrite(data: Uint8Array): Write {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return { key: view.getUint8(0), value: view.getFloat64(1) };
}

/**
 * A state machine of registers that also keeps a digest of everything it applied: members with
 * equal digests at an index applied the same entries in the same order.
 */
export class RegisterMachine {
  #registers = new Map<number, number>();
  #digest = 0;

  get digest(): number {
    return this.#digest;
  }

  /** The value of a key; 0 before the first write. */
  read(key: number): number {
    return this.#registers.get(key) ?? 0;
  }

  /** Applies an entry; returns the write that it held, null for any other entry. */
  apply(entry: Entry, isWrite: boolean): Write | null {
    let digest = Math.imul(this.#digest ^ entry.index, 0x01000193) ^ entry.term;
    for (let i = 0; i < entry.data.length; i++) {
      digest = Math.imul(digest ^ entry.data[i]!, 0x01000193);
    }
    this.#digest = digest >>> 0;
    if (!isWrite) return null;
    const write = decodeWrite(entry.data);
    this.#registers.set(write.key, write.value);
    return write;
  }

  snapshot(): Uint8Array {
    const state = { digest: this.#digest, registers: [...this.#registers] };
    return new TextEncoder().encode(JSON.stringify(state));
  }

  restore(data: Uint8Array): void {
    const text = new TextDecoder().decode(data);
    const { digest, registers } = JSON.parse(text) as {
      digest: number;
      registers: [number, number][];
    };
    this.#digest = digest;
    this.#registers = new Map(registers);
  }
}
