import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UnitStatusReport } from "@flotilla/node/api";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { FlotillaCluster, type Member, waitFor } from "../../src/index.js";
import { type Cli, cli } from "../run.js";

/**
 * A cluster of one member that runs a file's units, asked through its API and command line. It
 * starts before the file's first test and is gone after the last.
 */
export class OneMember {
  readonly directory: string = mkdtempSync(join(tmpdir(), "flotilla-units-"));
  #cluster: FlotillaCluster | undefined;

  static forThisFile(): OneMember {
    const one = new OneMember();
    beforeAll(() => one.#start());
    afterAll(() => one.#stop());
    return one;
  }

  get member(): Member {
    const member = this.#cluster?.members[0];
    if (member === undefined) throw new Error("the member is not started yet");
    return member;
  }

  get flotilla(): Cli {
    return cli([this.member.api.url]);
  }

  async #start(): Promise<void> {
    // The units' own users must get in.
    chmodSync(this.directory, 0o755);
    this.#cluster = await FlotillaCluster.start({ directory: this.directory, members: 1 });
  }

  async #stop(): Promise<void> {
    await this.#cluster?.stopAll();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Asks for a unit to run; it is destroyed when the test is over. */
  async launch(name: string, content: string): Promise<void> {
    onTestFinished(() => this.destroyed(name));
    await this.member.api.put(name, { content, desired: "launched" });
  }

  /** Destroys a unit and waits until it is gone. */
  async destroyed(name: string): Promise<void> {
    await this.member.api.destroy(name).catch(() => undefined);
    await waitFor(`${name} to be gone`, async () => {
      const states = await this.member.api.states();
      return states.every((state) => state.name !== name);
    });
  }

  async until(
    name: string,
    what: string,
    reached: (report: UnitStatusReport) => boolean,
  ): Promise<UnitStatusReport> {
    let last: UnitStatusReport | undefined;
    try {
      return await waitFor(`${name} to be ${what}`, async () => {
        [last] = await this.member.api.status(name);
        return last !== undefined && reached(last) && last;
      });
    } catch (error) {
      throw new Error(`${String(error)}; it is ${JSON.stringify(last)}`);
    }
  }

  /** Waits for a state as `active (running)`. */
  untilSub(name: string, state: string): Promise<UnitStatusReport> {
    return this.until(name, state, ({ active, sub }) => `${active} (${sub})` === state);
  }

  /** What a unit's processes wrote, line by line. */
  async written(name: string): Promise<string[]> {
    const lines = await this.member.api.journal(name, 10_000);
    return lines.filter(({ source }) => source !== "supervisor").map(({ message }) => message);
  }

  untilWritten(name: string, line: string | RegExp): Promise<string[]> {
    return waitFor(`${name} to write ${line}`, async () => {
      const lines = await this.written(name);
      const found = lines.some((each) =>
        typeof line === "string" ? each === line : line.test(each),
      );
      return found && lines;
    });
  }

  /** Shell words that wait until the gate of this name is opened. */
  waitForGate(name: string): string {
    return `until [ -e ${this.#gate(name)} ]; do sleep 0.05; done`;
  }

  openGate(name: string): void {
    writeFileSync(this.#gate(name), "");
  }

  #gate(name: string): string {
    return join(this.directory, `${name}.gate`);
  }
}
