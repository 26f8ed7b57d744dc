import type { Helper } from "../helper/client.js";
import { processSettings } from "../process/settings.js";

/** A name that no sandbox of a caller can have: it holds a NUL-free but impossible unit name. */
const SANDBOX = "//oci";

const OUTPUT_CREDIT = 1 << 20;

/** Runs the container runtime's short commands through the helper, as children of no sandbox. */
export class RuntimeCommands {
  /** Arguments before every subcommand. */
  readonly global: readonly string[];
  readonly #path: string;
  readonly #detachMounts: readonly string[];
  readonly #helper: () => Promise<Helper>;
  readonly #attached = new WeakMap<Helper, Promise<void>>();

  constructor(options: {
    path: string;
    global: readonly string[];
    detachMounts: readonly string[];
    helper: () => Promise<Helper>;
  }) {
    this.#path = options.path;
    this.global = options.global;
    this.#detachMounts = options.detachMounts;
    this.#helper = options.helper;
  }

  /** Runs one command to its end; true when it succeeded. */
  async run(command: readonly string[]): Promise<boolean> {
    const helper = await this.#helper();
    const attached = this.#attached.get(helper) ?? this.#attach(helper);
    this.#attached.set(helper, attached);
    await attached;
    const settings = processSettings({
      path: this.#path,
      argv: [this.#path, ...this.global, ...command],
      environment: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    });
    for (const mount of this.#detachMounts) settings.push("detach-mount", mount);
    return new Promise((resolve, reject) => {
      const events = {
        executed: () => {},
        exited: (status: number) => resolve(status === 0),
      };
      helper.exec(SANDBOX, settings, events).catch(reject);
    });
  }

  #attach(helper: Helper): Promise<void> {
    return helper.addSandbox(
      SANDBOX,
      { track: "none", notify: "", credit: OUTPUT_CREDIT, clone: false, procs: [] },
      {
        // Read and dropped: the command's status says what matters.
        output: (_pid, _stream, data) => helper.credit(SANDBOX, data.length),
        notify: () => {},
        warning: () => {},
        empty: () => {},
        lost: () => {},
      },
    );
  }
}
