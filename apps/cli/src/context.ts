import type { ApiClient } from "./client/api-client.js";
import type { OutputOptions } from "./output/output.js";

/** What a command works with. */
export interface Context {
  readonly api: ApiClient;
  readonly output: OutputOptions;
  /** To standard output; resolves when it is taken, so that a slow reader is waited for. */
  readonly print: (text: string) => Promise<void>;
  /** One line to standard error. */
  readonly warn: (line: string) => void;
}
