export { type AnalyzeCalendarOptions, analyzeCalendar } from "./calendar.js";
export { analyzeEscape, type EscapeOptions, type EscapeOutcome } from "./escape.js";
export type { Outcome } from "./outcome.js";
export { analyzeTimeSpan } from "./time-span.js";
