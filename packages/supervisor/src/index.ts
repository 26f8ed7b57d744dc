export { type Clock, systemClock } from "./clock.js";
export { SupervisorError, type SupervisorErrorCode } from "./errors.js";
export type { JournalSettings, SupervisorOptions } from "./options.js";
export type * from "./runtime.js";
export { createSupervisor, type LocalSupervisor } from "./supervisor.js";
export type * from "./types.js";
