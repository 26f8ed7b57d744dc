import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Listener, ListenerSpec } from "../runtime.js";
import { StartLimit } from "../service/start-limit.js";
import type { UnitSettings } from "../settings/unit-settings.js";
import { TriggeringUnit } from "../triggering-unit.js";
import type { UnitDefinition, UnitSurroundings } from "../unit.js";
import { LISTEN_KEYS, listenerOf } from "./listen-address.js";

/** systemd's TriggerLimitIntervalSec= and TriggerLimitBurst= of sockets. */
const TRIGGER_INTERVAL_MS = 2_000;
const TRIGGER_BURST = 200;
/** systemd's default of Backlog=, as far as the kernel goes. */
const BACKLOG = 4096;

/** A listener to hand to a service, and what it is called there (FileDescriptorName=). */
export interface HandedListener {
  readonly id: string;
  readonly name: string;
}

/** A socket unit (systemd.socket(5)): starts a service with its sockets when something comes. */
export class SocketUnit extends TriggeringUnit {
  #settings: UnitSettings;
  #limit: StartLimit;
  #listeners: readonly Listener[] = [];
  /** Grows with each time of waiting, to tell what comes late. */
  #turn = 0;

  constructor(definition: UnitDefinition, surroundings: UnitSurroundings) {
    super(definition, surroundings);
    this.#settings = definition.settings;
    this.#limit = limitOf(definition.settings);
  }

  get triggers(): string {
    return this.#settings.last("Socket", "Service") ?? this.name.replace(/\.socket$/, ".service");
  }

  /** What its service is to be given. */
  get handed(): readonly HandedListener[] {
    const name = this.#settings.last("Socket", "FileDescriptorName") ?? this.name;
    return this.#listeners.map(({ id }) => ({ id, name }));
  }

  adopt(given: unknown): void {
    const { sub } = given as { readonly sub: "dead" | "listening" | "running" | "failed" };
    this.sub = sub;
    if (sub !== "listening" && sub !== "running") return;
    void this.#open().then((listeners) => {
      if (!listeners) return;
      this.#listeners = listeners;
      if (this.sub === "listening") this.#arm();
      else this.lookAtTriggered();
    });
  }

  protected override take(definition: UnitDefinition): void {
    super.take(definition);
    this.#settings = definition.settings;
    this.#limit = limitOf(definition.settings);
  }

  protected enterActive(): void {
    const turn = ++this.#turn;
    this.setState("start-pre");
    void this.#open().then((listeners) => {
      if (!listeners) return;
      if (turn !== this.#turn) {
        for (const listener of listeners) void listener.close().catch(() => {});
        return;
      }
      this.#listeners = listeners;
      this.#listen();
    });
  }

  protected rested(): void {
    this.#listen();
  }

  protected retire(): void {
    this.#turn += 1;
  }

  override stop(accepted: () => void): void {
    super.stop(accepted);
    void this.#close();
  }

  override async dispose(): Promise<void> {
    await super.dispose();
    await this.#close();
  }

  #listen(): void {
    if (this.surroundings.triggering.activeOf(this.triggers) === "active") {
      // Somebody started it, without its sockets or with them: its end is waited for.
      this.setState("running");
      return;
    }
    this.setState("listening");
    this.#arm();
  }

  #arm(): void {
    const turn = ++this.#turn;
    const incoming = (): void => {
      if (turn === this.#turn && this.sub === "listening") this.#incoming();
    };
    for (const listener of this.#listeners) {
      listener.arm(incoming).catch((error: Error) => this.#broken(error));
    }
  }

  #incoming(): void {
    if (this.#limit.admit(this.surroundings.clock.now())) this.trigger();
    else this.#broken(new Error("it is triggered too often"));
    if (this.sub === "failed") void this.#close();
  }

  #broken(error: Error): void {
    if (this.sub === "dead" || this.sub === "failed") return;
    this.fail("resources", `It cannot listen: ${error.message}`);
    void this.#close();
  }

  async #open(): Promise<readonly Listener[] | undefined> {
    const opened: Listener[] = [];
    try {
      for (const spec of this.#specs()) opened.push(await this.#openOne(spec));
      if (opened.length === 0) throw new Error("nothing to listen on");
      return opened;
    } catch (error) {
      for (const listener of opened) await listener.close().catch(() => {});
      this.fail("resources", `It cannot listen: ${(error as Error).message}`);
      return undefined;
    }
  }

  async #openOne(spec: ListenerSpec): Promise<Listener> {
    const { runtime } = this.surroundings;
    if (!runtime.listen) throw new Error("this runtime holds no sockets");
    const { address } = spec;
    if (address.family === "unix" && address.path.startsWith("/")) {
      const mode = this.#settings.number("Socket", "DirectoryMode", 0o755, 8);
      await mkdir(dirname(address.path), { recursive: true, mode });
    }
    return runtime.listen(spec);
  }

  #specs(): readonly ListenerSpec[] {
    const mode = this.#settings.number("Socket", "SocketMode", 0o666, 8);
    const backlog = Math.min(BACKLOG, this.#settings.number("Socket", "Backlog", BACKLOG));
    if (this.#settings.flag("Socket", "Accept")) {
      throw new Error("Accept=yes is not supported: the service has to accept for itself");
    }
    return this.#settings.all("Socket", LISTEN_KEYS).map((setting, index) => {
      const listener = listenerOf(setting);
      if (!listener) throw new Error(`${setting.key}=${setting.value} is no address`);
      return { ...listener, id: `${this.name}#${index}`, mode, backlog };
    });
  }

  async #close(): Promise<void> {
    const listeners = this.#listeners;
    this.#listeners = [];
    await Promise.allSettled(listeners.map((listener) => listener.close()));
    if (!this.#settings.flag("Socket", "RemoveOnStop")) return;
    for (const { value } of this.#settings.all("Socket", LISTEN_KEYS)) {
      if (value.startsWith("/")) await rm(value, { force: true });
    }
  }
}

function limitOf(settings: UnitSettings): StartLimit {
  return new StartLimit(
    settings.span("Socket", "TriggerLimitIntervalSec", TRIGGER_INTERVAL_MS),
    settings.number("Socket", "TriggerLimitBurst", TRIGGER_BURST),
  );
}
