import { stateOf } from "./target-unit.js";
import type { ActiveState, ServiceResult, UnitSubState } from "./types.js";
import type {
  ManagedUnit,
  UnitChange,
  UnitDefinition,
  UnitState,
  UnitSurroundings,
} from "./unit.js";

/** `start-pre`: a socket is being made. */
const ACTIVE: Readonly<Partial<Record<UnitSubState, ActiveState>>> = {
  dead: "inactive",
  "start-pre": "activating",
  failed: "failed",
};

/**
 * What timers, paths and sockets have in common: they wait, start another unit when it is time, and
 * wait again when that unit has come to rest.
 */
export abstract class TriggeringUnit implements ManagedUnit {
  readonly name: string;
  protected readonly surroundings: UnitSurroundings;
  protected definition: UnitDefinition;
  protected sub: UnitSubState = "dead";
  protected result: ServiceResult = "success";
  #stateChangedAt = 0;

  constructor(definition: UnitDefinition, surroundings: UnitSurroundings) {
    this.name = definition.model.name.name;
    this.definition = definition;
    this.surroundings = surroundings;
  }

  get active(): ActiveState {
    return ACTIVE[this.sub] ?? "active";
  }

  get state(): UnitState {
    return { ...stateOf(this.sub, this.#stateChangedAt), result: this.result };
  }

  /** The unit that it starts. */
  abstract get triggers(): string;

  start(accepted: () => void): void {
    accepted();
    this.result = "success";
    if (this.surroundings.triggering.isLoaded(this.triggers)) this.enterActive();
    else this.fail("resources", `${this.triggers} is not loaded.`);
  }

  stop(accepted: () => void): void {
    accepted();
    this.retire();
    this.setState("dead");
  }

  /** There is nothing to reload: it is told as done. */
  reload(accepted: () => void): void {
    accepted();
    this.setState(this.sub);
  }

  resetFailed(): void {
    if (this.sub === "failed") this.setState("dead");
  }

  replace(definition: UnitDefinition): void {
    // Counts from the next start on, as with services.
    if (this.active === "active") this.replacement = definition;
    else this.take(definition);
  }

  protected replacement: UnitDefinition | undefined;

  protected take(definition: UnitDefinition): void {
    this.definition = definition;
    this.replacement = undefined;
  }

  abstract adopt(image: unknown): void;

  /** Called with each change of the triggered unit. */
  triggeredChanged(_change: UnitChange): void {
    this.lookAtTriggered();
  }

  /** Begins to wait, with a first look whether it is time already. */
  protected abstract enterActive(): void;
  /** Stops waiting, without a change of state. */
  protected abstract retire(): void;

  /** The triggered unit has come to rest again. */
  protected abstract rested(): void;

  /** Starts the other unit, and is `running` until that rests again. */
  protected trigger(): void {
    this.retire();
    const ended = (): void => this.lookAtTriggered();
    if (this.surroundings.triggering.start(this.triggers, this.name, ended)) {
      this.setState("running");
    } else this.fail("resources", `${this.triggers} cannot be started.`);
  }

  protected lookAtTriggered(): void {
    const state = this.surroundings.triggering.activeOf(this.triggers);
    if (this.sub === "running" && (state === "inactive" || state === "failed")) this.rested();
  }

  async usage(): Promise<undefined> {}

  async dispose(): Promise<void> {
    this.retire();
  }

  async abandon(): Promise<void> {
    this.retire();
  }

  protected fail(result: ServiceResult, message: string): void {
    this.log(message);
    this.retire();
    this.result = result;
    this.setState("failed");
  }

  protected setState(sub: UnitSubState): void {
    const before = this.active;
    this.sub = sub;
    this.#stateChangedAt = this.surroundings.clock.now();
    if (this.active !== "active" && this.replacement) this.take(this.replacement);
    this.surroundings.onImage(this.image());
    this.surroundings.onChange({
      name: this.name,
      before,
      after: this.active,
      sub,
      result: this.result,
      willRestart: false,
      reloadResult: "success",
    });
  }

  protected image(): Readonly<Record<string, unknown>> {
    return { content: this.definition.content, sub: this.sub, result: this.result };
  }

  protected log(message: string): void {
    const { pid } = process;
    this.surroundings.log({ source: "supervisor", identifier: "supervisor", pid, message });
  }
}
