import { deferred } from "../deferred.js";
import type { ProcessEvents } from "./client.js";

/** Why a process was not executed, as the helper tells it. */
export interface HelperFailure {
  readonly step: string;
  readonly exitCode: number;
  readonly message: string;
}

/** A process of an earlier daemon: what became of it, or is yet to come. */
export interface KeptProcess {
  readonly pid: number;
  /** What the earlier daemon called it. */
  readonly tag: string;
  readonly executed: Promise<HelperFailure | undefined>;
  /** The raw wait status. */
  readonly exited: Promise<number>;
}

/** What a helper has kept of an earlier daemon's. */
export class KeptThings {
  readonly sandboxes: Map<string, KeptProcess[]> = new Map();
  readonly notes: Map<string, string> = new Map();

  addSandbox(id: string): void {
    this.sandboxes.set(id, []);
  }

  /** Takes the fields of `kept-process`; gives what is to be told of one that lives. */
  addProcess([id = "", pid, tag = "", executed, status = "", ...failed]: readonly string[]):
    | { readonly pid: number; readonly events: ProcessEvents }
    | undefined {
    const execution = deferred<HelperFailure | undefined>();
    const exit = deferred<number>();
    const process = { pid: Number(pid), tag, executed: execution.promise, exited: exit.promise };
    this.sandboxes.get(id)?.push(process);
    if (executed === "1") execution.resolve(toFailure(failed));
    if (status !== "") {
      exit.resolve(Number(status));
      return undefined;
    }
    return { pid: process.pid, events: { executed: execution.resolve, exited: exit.resolve } };
  }
}

/** Reads the optional last fields of `executed` and `kept-process`. */
export function toFailure([step, code, message]: readonly string[]): HelperFailure | undefined {
  if (step === undefined) return undefined;
  return { step, exitCode: Number(code), message: message ?? "" };
}
