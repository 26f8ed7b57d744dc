import type { ActiveState } from "./types.js";
import type { ManagedUnit, UnitChange } from "./unit.js";

/** A target: a point in the order of starts that is either reached or not. */
export class TargetUnit implements ManagedUnit {
  readonly name: string;
  readonly #onChange: (change: UnitChange) => void;
  #reached = false;

  constructor(name: string, onChange: (change: UnitChange) => void) {
    this.name = name;
    this.#onChange = onChange;
  }

  get active(): ActiveState {
    return this.#reached ? "active" : "inactive";
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

  #become(reached: boolean): void {
    const before = this.active;
    this.#reached = reached;
    this.#onChange({
      name: this.name,
      before,
      after: this.active,
      sub: reached ? "active" : "dead",
      result: "success",
      willRestart: false,
      reloadResult: "success",
    });
  }
}
