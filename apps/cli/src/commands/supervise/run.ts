import { join } from "node:path";
import { createRuntime } from "@flotilla/container";
import {
  createSupervisor,
  type LocalSupervisor,
  SupervisorError,
  type UnitStatus,
} from "@flotilla/supervisor";
import { parseTimeSpan } from "@flotilla/units";
import { CliError, Exit, messageOf } from "../../errors.js";
import { readUnitFolder, type UnitFolder } from "./folder.js";

/** Options of `flotilla supervise`. */
export interface SuperviseOptions {
  readonly state: string;
  readonly unit?: readonly string[];
  readonly untilIdle: boolean;
  readonly keep: string;
  readonly quiet: boolean;
}

type Print = (line: string) => void;

/**
 * Runs the units of a folder until SIGTERM or SIGINT, then stops them in order. SIGHUP reads the
 * folder again: new units come, changed ones take effect with their next start, others go.
 */
export async function supervise(
  directory: string,
  options: SuperviseOptions,
  print: Print,
): Promise<void> {
  const folder = await readUnitFolder(directory);
  if (folder.units.size === 0) {
    throw new CliError(`${directory} holds no unit files`, {
      hint: "put files such as web.service there",
    });
  }
  const runtime = await createRuntime({
    directory: join(options.state, "runtime"),
    adoptMs: parseTimeSpan(options.keep),
  });
  const supervisor = await createSupervisor({ runtime, directory: join(options.state, "state") });
  const run = new FolderRun(directory, supervisor, options, print);
  const signals = new Signals();
  try {
    await run.take(folder);
    await Promise.race([run.done(), signals.end(() => run.reread())]);
  } finally {
    signals.close();
    await supervisor.shutdown();
  }
  if (options.untilIdle && run.failed) throw new Exit(1);
}

/** What a running folder consists of. */
class FolderRun {
  readonly #directory: string;
  readonly #supervisor: LocalSupervisor;
  readonly #options: SuperviseOptions;
  readonly #print: Print;
  readonly #followed = new Set<string>();

  constructor(
    directory: string,
    supervisor: LocalSupervisor,
    options: SuperviseOptions,
    print: Print,
  ) {
    this.#directory = directory;
    this.#supervisor = supervisor;
    this.#options = options;
    this.#print = print;
  }

  /** True when a unit has failed for good. */
  get failed(): boolean {
    return this.#supervisor.list().some(({ active }) => active === "failed");
  }

  /** Loads what a folder holds, unloads what it does not, and starts what is to be started. */
  async take({ units, enabled }: UnitFolder): Promise<void> {
    for (const { name } of this.#supervisor.list()) {
      if (!units.has(name)) await this.#supervisor.unload(name);
    }
    for (const [name, text] of units) {
      if (this.#supervisor.content(name) === text) this.#follow(name);
      else await this.#load(name, text);
    }
    const wanted = this.#options.unit ?? [...enabled];
    await Promise.all(wanted.map((name) => this.#start(name)));
  }

  async reread(): Promise<void> {
    try {
      await this.take(await readUnitFolder(this.#directory));
      this.#print(`flotilla: ${this.#directory} was read again`);
    } catch (error) {
      this.#print(`flotilla: ${this.#directory} could not be read again: ${messageOf(error)}`);
    }
  }

  /** Resolves once nothing runs and nothing will, if that is asked for. */
  async done(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (!this.#options.untilIdle) return;
      const look = (): void => {
        if (this.#supervisor.list().every(isAtRest)) resolve();
      };
      // After the jobs that a change has set off.
      this.#supervisor.onChange(() => setImmediate(look));
      look();
    });
  }

  async #load(name: string, text: string): Promise<void> {
    try {
      const { diagnostics } = await this.#supervisor.load(name, text);
      for (const { severity, message, span } of diagnostics) {
        if (severity !== "info") this.#print(`${name}:${span.start.line}: ${severity}: ${message}`);
      }
      this.#follow(name);
    } catch (error) {
      this.#print(`${name}: ${messageOf(error)}`);
    }
  }

  async #start(name: string): Promise<void> {
    try {
      const result = await this.#supervisor.start(name);
      if (result !== "done") this.#print(`${name}: start ended with "${result}"`);
    } catch (error) {
      if (!SupervisorError.is(error)) throw error;
      this.#print(`${name}: ${error.message}`);
    }
  }

  /** Prints what a unit writes from now on. */
  #follow(name: string): void {
    if (this.#options.quiet || this.#followed.has(name)) return;
    this.#followed.add(name);
    void this.#printJournal(name).finally(() => this.#followed.delete(name));
  }

  async #printJournal(name: string): Promise<void> {
    const entries = this.#supervisor.journal(name, { follow: true, sinceMs: Date.now() });
    for await (const { identifier, pid, message, source } of entries) {
      const who = source === "supervisor" ? name : `${name} ${identifier}[${pid}]`;
      this.#print(`${who}: ${message}`);
    }
  }
}

function isAtRest({ active, willRestart }: UnitStatus): boolean {
  return (active === "inactive" || active === "failed") && willRestart !== true;
}

/** The signals that end a run, and the one that has the folder read again. */
class Signals {
  readonly #listeners: [NodeJS.Signals, () => void][] = [];

  /** Resolves with the first signal to end. */
  async end(reread: () => Promise<void>): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#on("SIGTERM", resolve);
      this.#on("SIGINT", resolve);
      this.#on("SIGHUP", () => void reread());
    });
  }

  close(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }

  #on(signal: NodeJS.Signals, listener: () => void): void {
    process.on(signal, listener);
    this.#listeners.push([signal, listener]);
  }
}
