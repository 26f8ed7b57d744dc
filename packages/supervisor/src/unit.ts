import type { UnitModel } from "@flotilla/units";
import type { Clock } from "./clock.js";
import type { ProcessExit, ResourceUsage, Runtime, Sandbox } from "./runtime.js";
import type { UnitSettings } from "./settings/unit-settings.js";
import type { HandedListener } from "./socket/socket-unit.js";
import type { ActiveState, JournalEntry, ServiceResult, UnitSubState } from "./types.js";

/** A usable definition with the text that it came from. */
export interface UnitDefinition {
  readonly model: UnitModel;
  /** What the model does not carry. */
  readonly settings: UnitSettings;
  readonly content: string;
}

/** What every kind of unit needs of the supervisor. */
export interface UnitSurroundings {
  readonly runtime: Runtime;
  readonly clock: Clock;
  /** Appends to the unit's journal. */
  readonly log: (entry: Pick<JournalEntry, "source" | "identifier" | "pid" | "message">) => void;
  readonly onChange: (change: UnitChange) => void;
  /** RestartSec= is over: a restart job is due. */
  readonly onRestart: () => void;
  /** Called before anything is done about an event, with what to go on from should we be killed. */
  readonly onImage: (image: unknown) => void;
  readonly triggering: Triggering;
}

/** What units that start other units need. */
export interface Triggering {
  /** The supervisor's directory, for what has to be known after it. */
  readonly directory: string;
  /** When the supervisor began. */
  readonly startedAt: number;
  /** From 0 up to 1. */
  readonly random: () => number;
  isLoaded(unit: string): boolean;
  activeOf(unit: string): ActiveState | undefined;
  timesOf(unit: string): RestTimes;
  /** The sockets that a service is handed when it starts. */
  listenersOf(service: string): readonly HandedListener[];
  /** Asks for a start; `ended` is called when the job is over. False when there can be no job. */
  start(unit: string, by: string, ended: () => void): boolean;
}

/** When a unit was last started, and when it last came to rest. */
export interface RestTimes {
  readonly leftRestAt?: number;
  readonly restedAt?: number;
}

/** What there is to tell of a unit. */
export interface UnitState {
  readonly sub: UnitSubState;
  readonly result: ServiceResult;
  readonly mainPid: number;
  readonly statusText: string;
  readonly exit: ProcessExit | undefined;
  readonly restarts: number;
  readonly stateChangedAt: number;
  readonly willRestart: boolean;
  /** Of a timer: when it elapses next. */
  readonly nextTriggerAt?: number;
}

/**
 * What every kind of unit offers to the supervisor and its job engine. Requests are taken at once
 * and done in time.
 */
export interface ManagedUnit {
  readonly name: string;
  readonly active: ActiveState;
  readonly state: UnitState;
  /** `accepted` is called just before the request takes effect: changes told earlier are not its own. */
  start(accepted: () => void): void;
  stop(accepted: () => void): void;
  reload(accepted: () => void): void;
  resetFailed(): void;
  /** Takes effect with the next start. */
  replace(definition: UnitDefinition): void;
  /** Goes on from the last image of another unit of this name, with the sandbox that it left. */
  adopt(image: unknown, sandbox: Sandbox | undefined): void;
  /** Undefined while nothing runs. */
  usage(): Promise<ResourceUsage | undefined>;
  /** Kills what is left and clears every timer; the unit is of no use afterwards. */
  dispose(): Promise<void>;
  /** Ends without touching what runs; the unit is of no use afterwards. */
  abandon(): Promise<void>;
}

/** A unit's change of state, as the job engine needs it. */
export interface UnitChange {
  readonly name: string;
  readonly before: ActiveState;
  readonly after: ActiveState;
  readonly sub: UnitSubState;
  readonly result: ServiceResult;
  /** The unit starts again by itself, so that nothing else should be done about its end. */
  readonly willRestart: boolean;
  readonly reloadResult: ServiceResult;
}
