/** What a sector-level crash keeps of an unsynced write. */
const SECTOR = 512;

/** A file's bytes now, and as they would be after a power loss. */
export class Inode {
  data: Uint8Array = new Uint8Array(0);
  length = 0;
  #durable: Uint8Array = new Uint8Array(0);
  /** Sectors written and not synced, as ranges [from, to) that may overlap. */
  #dirty: [from: number, to: number][] = [];

  /** New content, durable at once. */
  replace(content: Uint8Array): void {
    this.data = Uint8Array.from(content);
    this.length = content.length;
    this.#durable = Uint8Array.from(content);
    this.#dirty = [];
  }

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    if (end > this.data.length) {
      const grown = new Uint8Array(Math.max(end, this.data.length * 2, 4096));
      grown.set(this.data);
      this.data = grown;
    }
    this.data.set(bytes, position);
    this.length = Math.max(this.length, end);
    const [from, to] = [Math.floor(position / SECTOR), Math.ceil(end / SECTOR)];
    const last = this.#dirty.at(-1);
    if (last && from >= last[0] && from <= last[1]) last[1] = Math.max(last[1], to);
    else this.#dirty.push([from, to]);
  }

  truncate(length: number): void {
    this.data.fill(0, Math.min(length, this.length), this.length);
    if (length > this.data.length) this.write(new Uint8Array(length - this.length), this.length);
    this.length = length;
    if (this.#durable.length > length) this.#durable = this.#durable.slice(0, length);
  }

  persist(): void {
    for (const [from, to] of this.#dirty) this.#keep(from, to);
    this.#dirty = [];
  }

  /** fsyncgate: the pages are clean although they never reached the disk. */
  loseDirty(): void {
    this.#dirty = [];
  }

  crash(keep: (sector: number) => boolean): void {
    for (const [from, to] of this.#dirty) {
      for (let sector = from; sector < to; sector++) {
        if (keep(sector)) this.#keep(sector, sector + 1);
      }
    }
    this.#dirty = [];
    this.data = this.#durable.slice();
    this.length = this.data.length;
  }

  /** Makes sectors [from, to) durable. */
  #keep(from: number, to: number): void {
    const start = from * SECTOR;
    const end = Math.min(to * SECTOR, this.length);
    if (start >= end) return;
    if (end > this.#durable.length) {
      const grown = new Uint8Array(end);
      grown.set(this.#durable);
      this.#durable = grown;
    }
    this.#durable.set(this.data.subarray(start, end), start);
  }
}
