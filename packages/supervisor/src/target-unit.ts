import type { ActiveState, UnitSubState } from "./types.js";
import type { ManagedUnit, UnitState, UnitSurroundings } from "./unit.js";

/** A target: a point in the order of starts that is either reached or not. */
export class TargetUnit implements ManagedUnit {
  readonly name: string;
  readonly #surroundings: UnitSurroundings;
  #reached = false;
  #stateChangedAt = 0;

  constructor(name: string, surroundings: UnitSurroundings) {
    this.name = name;
    this.#surroundings = surroundings;
  }

  get active(): ActiveState {
    return this.#reached ? "active" : "inactive";
  }

  get state(): UnitState {
    return stateOf(this.#reached ? "active" : "dead", this.#stateChangedAt);
  }

  start(accepted: () => void): void {
    accepted();
    this.#become(true);
  }

  stop(accepted: () => void): void {
    accepted();
    this.#become(false);
  }

  /** A target has nothing to reload: it is told as done. */
  reload(accepted: () => void): void {
    accepted();
    this.#become(this.#reached);
  }

  /** A target never fails. */
  resetFailed(): void {}

  /** A target is nothing but its name. */
  replace(): void {}

  adopt(image: unknown): void {
    this.#reached = image === true;
  }

  async usage(): Promise<undefined> {}

  async dispose(): Promise<void> {}

  async abandon(): Promise<void> {}

  #become(reached: boolean): void {
    const before = this.active;
    this.#reached = reached;
    this.#stateChangedAt = this.#surroundings.clock.now();
    this.#surroundings.onImage(reached);
    this.#surroundings.onChange({
      name: this.name,
      before,
      after: this.active,
      sub: this.state.sub,
      result: "success",
      willRestart: false,
      reloadResult: "success",
    });
  }
}

/** The state of a unit that has no processes. */
export function stateOf(sub: UnitSubState, stateChangedAt: number): UnitState {
  return {
    sub,
    result: "success",
    mainPid: 0,
    statusText: "",
    exit: undefined,
    restarts: 0,
    stateChangedAt,
    willRestart: false,
  };
}
