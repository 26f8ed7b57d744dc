import type { MachineSpecifiers } from "@flotilla/units";
import type { Clock } from "./clock.js";
import type { Runtime } from "./runtime.js";

/** How much of the units' output is kept on disk. */
export interface JournalSettings {
  /** A unit's journal file is closed at this size, in bytes (8 MiB by default). */
  readonly segmentBytesMax?: number;
  /** Files kept for each unit, the open one included (2 by default). */
  readonly segmentsMax?: number;
  /** Journals kept of units that are no longer loaded, the newest (256 by default); checked at the start. */
  readonly unloadedMax?: number;
}

/** What {@link createSupervisor} needs. */
export interface SupervisorOptions {
  /** Runs the units' processes; the supervisor disposes of it in `shutdown()`. */
  readonly runtime: Runtime;
  /** Holds the journals (`journal/UNIT/`). Made when absent; one supervisor at a time. */
  readonly directory: string;
  /** Values of the specifiers that the machine decides (`%H`, `%m`, …). */
  readonly specifiers?: MachineSpecifiers;
  readonly journal?: JournalSettings;
  /**
   * Units beside the well-known targets that are known to be active without being loaded, such as
   * `docker.service` of the host: requiring them is no error.
   */
  readonly activeUnits?: readonly string[];
  /** After this `shutdown()` kills what has not stopped by itself (120 s by default). */
  readonly shutdownTimeoutMs?: number;
  /** Where RandomizedDelaySec= takes its chance from, from 0 up to 1 (`Math.random` by default). */
  readonly random?: () => number;
  /** The machine's clock by default. */
  readonly clock?: Clock;
}
