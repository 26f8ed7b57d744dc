import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Helper } from "../helper/client.js";
import type { Launch, Launcher } from "../process/sandbox.js";
import { processSettings } from "../process/settings.js";
import type { ProcessSpec, SpawnFailure } from "../runtime.js";
import { RuntimeCommands } from "./commands.js";
import { bundleConfig, NOTIFY_MOUNT } from "./config.js";
import type { OciRuntime } from "./detect.js";
import { resolveInRoot } from "./root.js";
import { resolveIdentity } from "./users.js";

/** Linux's host names have 64 bytes at most. */
const HOSTNAME_MAX = 63;

/** What all containers of a runtime share. */
export interface OciHost {
  readonly runtime: OciRuntime;
  /** Where bundles and the runtime's own state are. */
  readonly directory: string;
  /** Mount points to hide from the runtime: crun refuses v1 beside v2. */
  readonly detachMounts: readonly string[];
  readonly commands: RuntimeCommands;
}

/** Prepares the directory and removes what an earlier run left, unless that is to be kept. */
export async function openOciHost(
  runtime: OciRuntime,
  state: { readonly directory: string; readonly keep: boolean },
  detachMounts: readonly string[],
  helper: () => Promise<Helper>,
): Promise<OciHost> {
  const directory = join(state.directory, "oci");
  const root = join(directory, "state");
  await mkdir(root, { recursive: true, mode: 0o700 });
  const global = globalArguments(runtime, directory);
  const commands = new RuntimeCommands({ path: runtime.path, global, detachMounts, helper });
  const host = { runtime, directory, detachMounts, commands };
  if (state.keep) return host;
  for (const id of await readdir(root)) await commands.run(["delete", "-f", id]);
  await rm(directory, { recursive: true, force: true });
  await mkdir(root, { recursive: true, mode: 0o700 });
  return host;
}

function globalArguments(runtime: OciRuntime, directory: string): string[] {
  const root = ["--root", join(directory, "state")];
  // The cgroups are ours already: crun is to leave them alone. runc has no such choice.
  return runtime.program === "crun" ? [...root, "--cgroup-manager=disabled"] : root;
}

/** Runs each process of one sandbox as a container with the same root. */
export class OciLauncher implements Launcher {
  readonly #host: OciHost;
  readonly #root: string;
  readonly #id: string;
  readonly #key: string;
  readonly #notify: string | undefined;
  readonly #cgroup: string | undefined;
  readonly #live = new Set<string>();
  #next = 0;

  constructor(
    host: OciHost,
    sandbox: { id: string; root: string; notify: string | undefined; cgroup: string | undefined },
  ) {
    this.#host = host;
    this.#id = sandbox.id;
    this.#root = sandbox.root;
    this.#notify = sandbox.notify;
    this.#cgroup = sandbox.cgroup;
    this.#key = createHash("sha256").update(sandbox.id).digest("hex").slice(0, 16);
  }

  notifyPath(): string {
    return join(NOTIFY_MOUNT, "notify");
  }

  /** Learns the containers that an earlier daemon made for this sandbox. */
  async adopt(): Promise<void> {
    const names = await readdir(join(this.#host.directory, this.#key)).catch(() => []);
    for (const name of names) {
      this.#live.add(name);
      this.#next = Math.max(this.#next, Number(name.split("-").at(-1)) + 1);
    }
  }

  async launch(spec: ProcessSpec): Promise<Launch> {
    // Validates strings and limits as for a bare process.
    processSettings(spec);
    const identity = await resolveIdentity(this.#root, spec);
    if ("step" in identity) return failedLaunch(identity);
    const container = `f-${this.#key}-${this.#next++}`;
    const bundle = join(this.#host.directory, this.#key, container);
    await mkdir(bundle, { recursive: true, mode: 0o700 });
    const config = bundleConfig({
      process: spec,
      root: this.#root,
      identity,
      hostname: hostname(this.#id),
      notifyDirectory: this.#notify === undefined ? undefined : dirname(this.#notify),
      // runc wants a cgroup that holds nothing else: one below the sandbox's.
      cgroupsPath:
        this.#host.runtime.program === "runc" && this.#cgroup !== undefined
          ? `/${this.#cgroup}/${container}`
          : undefined,
    });
    await writeFile(join(bundle, "config.json"), JSON.stringify(config));
    this.#live.add(container);
    const directory = spec.workingDirectory ?? "/";
    const hostDirectory = await resolveInRoot(this.#root, directory);
    return {
      settings: this.#settings(spec, container, bundle, identity.uid, hostDirectory),
      explain: (failure) => explainFailure(failure, bundle, directory),
      finished: () => this.#finished(container, bundle),
    };
  }

  async delete(): Promise<void> {
    for (const container of this.#live) {
      await this.#host.commands.run(["delete", "-f", container]);
    }
    this.#live.clear();
    await rm(join(this.#host.directory, this.#key), { recursive: true, force: true });
  }

  #settings(
    spec: ProcessSpec,
    container: string,
    bundle: string,
    uid: number,
    hostDirectory: string | undefined,
  ): string[] {
    const { runtime, commands } = this.#host;
    const log = ["--log", join(bundle, "log"), "--log-format", "json"];
    const pidFile = join(bundle, "pid");
    // Detached, so that the container's first process becomes the helper's child, and its own wait
    // status is seen, not an exit code that the runtime makes of it.
    const run = ["run", "--detach", "--pid-file", pidFile, "--bundle", bundle, container];
    const { nice, limits, tag } = spec;
    const settings = processSettings({
      path: runtime.path,
      argv: [runtime.program, ...commands.global, ...log, ...run],
      environment: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      // The runtimes would make a missing directory; systemd fails, and so does this one's chdir.
      workingDirectory: hostDirectory ?? join(this.#root, spec.workingDirectory ?? "/"),
      ...(nice === undefined ? {} : { nice }),
      ...(limits === undefined ? {} : { limits }),
      ...(tag === undefined ? {} : { tag }),
    });
    settings.push("pid-file", pidFile, "owner", String(uid));
    for (const mount of this.#host.detachMounts) settings.push("detach-mount", mount);
    return settings;
  }

  async #finished(container: string, bundle: string): Promise<void> {
    await this.#host.commands.run(["delete", "-f", container]);
    this.#live.delete(container);
    await rm(bundle, { recursive: true, force: true });
  }
}

/** A launch that fails in the helper's child, with the code and words given. */
function failedLaunch(failure: SpawnFailure): Launch {
  const spec: ProcessSpec = { path: "/nonexistent", argv: ["-"], environment: {} };
  return { settings: processSettings(spec), explain: async () => failure };
}

function hostname(id: string): string {
  const name = id.replace(/\.[a-z]+$/, "").replace(/[^A-Za-z0-9-]+/g, "-");
  return name.replace(/^-+/, "").slice(0, HOSTNAME_MAX) || "container";
}

/** The runtime's own words, and the step that they tell of. */
async function explainFailure(
  failure: SpawnFailure,
  bundle: string,
  directory: string,
): Promise<SpawnFailure> {
  if (failure.step === "CHDIR")
    return { ...failure, message: `${directory}: not in the container` };
  if (failure.step !== "RUNTIME") return failure;
  const log = await readFile(join(bundle, "log"), "utf8").catch(() => "");
  const messages = [...log.matchAll(/"msg":("(?:[^"\\]|\\.)*")/g)].map(
    (match) => JSON.parse(match[1] ?? '""') as string,
  );
  const message = messages.at(-1) ?? failure.message;
  return /executable|exec[: ]|execve/i.test(message)
    ? { step: "EXEC", exitCode: 203, message }
    : { step: "NAMESPACE", exitCode: 226, message };
}
