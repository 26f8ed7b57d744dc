import type { ActiveState, ServiceResult, ServiceSubState } from "./types.js";

/** What every kind of unit offers to the job engine. Requests are taken at once and done in time. */
export interface ManagedUnit {
  readonly name: string;
  readonly active: ActiveState;
  /** `accepted` is called just before the request takes effect: changes told earlier are not its own. */
  start(accepted: () => void): void;
  stop(accepted: () => void): void;
  reload(accepted: () => void): void;
  resetFailed(): void;
}

/** A unit's change of state, as the job engine needs it. */
export interface UnitChange {
  readonly name: string;
  readonly before: ActiveState;
  readonly after: ActiveState;
  readonly sub: ServiceSubState | "active";
  readonly result: ServiceResult;
  /** The unit starts again by itself, so that nothing else should be done about its end. */
  readonly willRestart: boolean;
  readonly reloadResult: ServiceResult;
}
