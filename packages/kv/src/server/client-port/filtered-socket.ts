import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { AuthorityFilter } from "./authority-filter.js";

/** A socket whose incoming bytes pass a filter until it is done; back-pressure goes both ways. */
export class FilteredSocket extends Duplex {
  readonly #socket: Socket;
  readonly #filter: AuthorityFilter;

  constructor(socket: Socket, filter: AuthorityFilter, begun: Buffer) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#filter = filter;
    const first = filter.push(begun);
    if (first.length > 0) this.push(first);
    socket.on("data", (chunk: Buffer) => {
      const passed = this.#filter.push(chunk);
      if (passed.length > 0 && !this.push(passed)) socket.pause();
    });
    socket.once("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.once("close", () => this.destroy());
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#socket.write(chunk)) done();
    else this.#socket.once("drain", done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
