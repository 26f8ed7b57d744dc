import { existsSync, type FSWatcher, mkdirSync, watch } from "node:fs";
import { dirname } from "node:path";
import { CHECKS } from "../conditions/checks.js";
import { StartLimit } from "../service/start-limit.js";
import type { SettingValue, UnitSettings } from "../settings/unit-settings.js";
import { TriggeringUnit } from "../triggering-unit.js";
import type { UnitDefinition, UnitSurroundings } from "../unit.js";

/** systemd's TriggerLimitIntervalSec= and TriggerLimitBurst= of path units. */
const TRIGGER_INTERVAL_MS = 2_000;
const TRIGGER_BURST = 200;

const KEYS = ["PathExists", "PathExistsGlob", "PathChanged", "PathModified", "DirectoryNotEmpty"];

/** A path unit (systemd.path(5)): starts another unit when something is there or has changed. */
export class PathUnit extends TriggeringUnit {
  #settings: UnitSettings;
  #watchers: FSWatcher[] = [];
  #limit: StartLimit;

  constructor(definition: UnitDefinition, surroundings: UnitSurroundings) {
    super(definition, surroundings);
    this.#settings = definition.settings;
    this.#limit = limitOf(definition.settings);
  }

  get triggers(): string {
    return this.#settings.last("Path", "Unit") ?? this.name.replace(/\.path$/, ".service");
  }

  adopt(given: unknown): void {
    const { sub } = given as { readonly sub: "dead" | "waiting" | "running" | "failed" };
    this.sub = sub;
    if (sub === "waiting") this.#watch();
    else if (sub === "running") queueMicrotask(() => this.lookAtTriggered());
  }

  protected rested(): void {
    this.#enterWaiting(false);
  }

  protected override take(definition: UnitDefinition): void {
    super.take(definition);
    this.#settings = definition.settings;
    this.#limit = limitOf(definition.settings);
  }

  protected enterActive(): void {
    if (this.#settings.flag("Path", "MakeDirectory")) this.#makeDirectories();
    this.#enterWaiting(true);
  }

  protected retire(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  #makeDirectories(): void {
    const mode = this.#settings.number("Path", "DirectoryMode", 0o755, 8);
    for (const { value } of this.#specs().filter(({ key }) => key !== "PathExists")) {
      try {
        mkdirSync(value, { recursive: true, mode });
      } catch (error) {
        this.log(`${value} cannot be made: ${(error as Error).message}`);
      }
    }
  }

  #specs(): readonly SettingValue[] {
    return this.#settings.all("Path", KEYS);
  }

  /** Waits, unless something is there already. */
  #enterWaiting(initial: boolean): void {
    if (this.#isThere()) {
      this.#triggerWithin();
      return;
    }
    this.#watch();
    if (initial || this.sub !== "waiting") this.setState("waiting");
    // Between the look and the watch something may have come.
    if (this.sub === "waiting" && this.#isThere()) this.#triggerWithin();
  }

  /** PathChanged= and PathModified= are about moments: nothing of them is there. */
  #isThere(): boolean {
    return this.#specs().some(({ key, value }) => {
      if (key === "PathChanged" || key === "PathModified") return false;
      return CHECKS[key]?.(value) ?? false;
    });
  }

  #watch(): void {
    this.retire();
    for (const { key, value } of this.#specs()) {
      const path = key === "PathExistsGlob" ? value.replace(/\/[^/]*[*?[].*$/, "") || "/" : value;
      const moment = key === "PathChanged" || key === "PathModified";
      if (existsSync(path)) this.#watchOne(path, moment);
      // A file that is not there yet, or is replaced, is seen in what holds it.
      this.#watchOne(nearest(dirname(path)), moment, path);
    }
  }

  #watchOne(directory: string, moment: boolean, path?: string): void {
    const name = path?.slice(directory.replace(/\/$/, "").length + 1).split("/")[0];
    try {
      const watcher = watch(directory, { persistent: false }, (_event, changed) => {
        if (name === undefined || changed === null || changed === name) this.#happened(moment);
      });
      watcher.on("error", () => {});
      this.#watchers.push(watcher);
    } catch (error) {
      this.log(`${directory} cannot be watched: ${(error as Error).message}`);
    }
  }

  #happened(moment: boolean): void {
    if (this.sub !== "waiting") return;
    if (moment || this.#isThere()) this.#triggerWithin();
    // What was watched may have come or gone.
    else this.#watch();
  }

  #triggerWithin(): void {
    this.retire();
    if (!this.#limit.admit(this.surroundings.clock.now())) {
      this.fail("start-limit-hit", "It is triggered too often.");
      return;
    }
    this.trigger();
  }
}

function limitOf(settings: UnitSettings): StartLimit {
  return new StartLimit(
    settings.span("Path", "TriggerLimitIntervalSec", TRIGGER_INTERVAL_MS),
    settings.number("Path", "TriggerLimitBurst", TRIGGER_BURST),
  );
}

/** The deepest directory above that is there. */
function nearest(directory: string): string {
  return existsSync(directory) ? directory : nearest(dirname(directory));
}
