import { createHash } from "node:crypto";
import { uptime } from "node:os";
import { TriggeringUnit } from "../triggering-unit.js";
import type { UnitChange, UnitDefinition, UnitState, UnitSurroundings } from "../unit.js";
import { nextTrigger, readTimer, type TimerSettings } from "./schedule.js";
import { readStamp, writeStamp } from "./stamp.js";

interface TimerImage {
  readonly sub: "dead" | "waiting" | "running" | "elapsed" | "failed";
  readonly activatedAt: number;
  readonly lastTriggerAt?: number;
}

/** A timer unit (systemd.timer(5)): starts another unit when the time has come. */
export class TimerUnit extends TriggeringUnit {
  #settings: TimerSettings;
  #activatedAt = 0;
  #lastTriggerAt: number | undefined;
  #nextAt: number | undefined;
  #cancel: (() => void) | undefined;

  constructor(definition: UnitDefinition, surroundings: UnitSurroundings) {
    super(definition, surroundings);
    this.#settings = readTimer(definition.settings);
  }

  get triggers(): string {
    return this.#settings.unit;
  }

  override get state(): UnitState {
    const next = this.#nextAt;
    return { ...super.state, ...(next !== undefined && { nextTriggerAt: next }) };
  }

  adopt(given: unknown): void {
    const image = given as TimerImage;
    this.sub = image.sub;
    this.#activatedAt = image.activatedAt;
    this.#lastTriggerAt = image.lastTriggerAt;
    if (this.sub === "waiting") this.#arm(this.#next(true));
    // What it started may have ended in the gap.
    else if (this.sub === "running") queueMicrotask(() => this.lookAtTriggered());
  }

  override triggeredChanged(change: UnitChange): void {
    super.triggeredChanged(change);
    const waits = this.sub === "waiting" || this.sub === "elapsed";
    const counts = this.#settings.values.some(({ base }) => base.startsWith("OnUnit"));
    if (waits && counts) this.#enterWaiting(false);
  }

  protected rested(): void {
    this.#enterWaiting(false);
  }

  protected override take(definition: UnitDefinition): void {
    super.take(definition);
    this.#settings = readTimer(definition.settings);
  }

  protected enterActive(): void {
    this.#activatedAt = this.surroundings.clock.now();
    const { persistent } = this.#settings;
    if (persistent) this.#lastTriggerAt = readStamp(this.#stamp) ?? this.#firstStamp();
    this.#enterWaiting(true);
  }

  protected retire(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#nextAt = undefined;
  }

  protected override image(): Readonly<Record<string, unknown>> {
    return {
      ...super.image(),
      activatedAt: this.#activatedAt,
      lastTriggerAt: this.#lastTriggerAt,
    };
  }

  get #stamp(): string {
    return `${this.surroundings.triggering.directory}/timers/stamp-${this.name}`;
  }

  /** A timer that never ran counts from now, and its stamp tells so to the next start. */
  #firstStamp(): number {
    this.#writeStamp(this.#activatedAt);
    return this.#activatedAt;
  }

  #writeStamp(at: number): void {
    try {
      writeStamp(this.#stamp, at);
    } catch (error) {
      this.log(`The time cannot be kept: ${(error as Error).message}`);
    }
  }

  #enterWaiting(initial: boolean): void {
    this.retire();
    const next = this.#next(initial);
    if (next === undefined) {
      const comesAgain = this.#settings.values.some(({ base }) => base.startsWith("OnUnit"));
      this.setState(this.#settings.remainAfterElapse || comesAgain ? "elapsed" : "dead");
      return;
    }
    this.#arm(next);
    this.setState("waiting");
  }

  #next(initial: boolean): number | undefined {
    const { clock, triggering } = this.surroundings;
    const now = clock.now();
    const times = triggering.timesOf(this.triggers);
    const next = nextTrigger(this.#settings.values, {
      now,
      bootedAt: now - uptime() * 1000,
      startedAt: triggering.startedAt,
      activatedAt: this.#activatedAt,
      lastTriggerAt: this.#lastTriggerAt,
      unitActiveAt: times.leftRestAt,
      unitInactiveAt: times.restedAt,
      initial,
    });
    return next === undefined ? undefined : next + this.#delay();
  }

  #delay(): number {
    const { randomizedDelayMs, fixedRandomDelay } = this.#settings;
    if (randomizedDelayMs === 0) return 0;
    const share = fixedRandomDelay
      ? createHash("sha256").update(this.name).digest().readUInt32BE(0) / 2 ** 32
      : this.surroundings.triggering.random();
    return Math.floor(share * randomizedDelayMs);
  }

  #arm(at: number | undefined): void {
    this.retire();
    if (at === undefined || !Number.isFinite(at)) return;
    this.#nextAt = at;
    const wait = Math.max(0, at - this.surroundings.clock.now());
    this.#cancel = this.surroundings.clock.setTimer(wait, () => this.#elapse());
  }

  #elapse(): void {
    this.retire();
    this.#lastTriggerAt = this.surroundings.clock.now();
    if (this.#settings.persistent) this.#writeStamp(this.#lastTriggerAt);
    this.trigger();
  }
}
