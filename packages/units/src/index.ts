export { formatCalendar } from "./calendar/format.js";
export { elapses, nextElapse } from "./calendar/next.js";
export { parseCalendar } from "./calendar/parse.js";
export type { CalendarComponent, CalendarField, CalendarSpec } from "./calendar/spec.js";
export {
  intlTimeZones,
  type TimeZone,
  type TimeZones,
  UTC,
  type ZoneMoment,
} from "./calendar/time-zone.js";
export {
  formatRelative,
  formatTimestamp,
  parseTimestamp,
  type TimestampOptions,
} from "./calendar/timestamp.js";
export { formatDiagnostic } from "./diagnostics.js";
export { UnitsError, type UnitsErrorCode } from "./errors.js";
export { formatUnitFile } from "./format/format.js";
export {
  type DependencyEdge,
  type DependencyGraph,
  type DependencyKind,
  dependencyGraph,
  formatDot,
  orderingCycles,
} from "./graph/graph.js";
export { unitJsonSchema } from "./keys/json-schema.js";
export type { SectionSpec } from "./keys/section-table.js";
export { findKey, findSection, SECTIONS } from "./keys/sections.js";
export type {
  KeySpec,
  KeyTable,
  ValueContext,
  ValueProblem,
  ValueType,
} from "./keys/value-type.js";
export { memoryFileSystem, type UnitFileSystem } from "./load/file-system.js";
export { folderNames, SYSTEM_UNIT_PATHS } from "./load/search-path.js";
export { type StoredUnit, UnitStore, type UnitStoreOptions } from "./load/unit-store.js";
export { type LoadOptions, loadUnit } from "./model/load.js";
export type { MachineSize } from "./model/service-section.js";
export { escapeUnitName, unescapeUnitName, unescapeUnitNameBytes } from "./names/escape.js";
export { mangleUnitName, unitNameOfPath } from "./names/mangle.js";
export {
  canBeTemplate,
  instanceName,
  isValidUnitName,
  parseUnitName,
  UNIT_NAME_LENGTH_MAX,
} from "./names/unit-name.js";
export { checkQuadlet, isQuadletName, QUADLET_TYPES } from "./quadlet/check.js";
export { addAssignment, removeAssignment, setAssignment } from "./syntax/edit.js";
export { LINE_BYTES_MAX, parseUnitFile, serializeUnitFile } from "./syntax/parse.js";
export type {
  AssignmentNode,
  AssignmentPlace,
  BlankNode,
  Section,
  SectionNode,
  SyntaxNode,
  UnitFile,
} from "./syntax/tree.js";
export * from "./types.js";
export {
  expandEnvironment,
  isEnvironmentAssignment,
  isEnvironmentName,
  parseEnvironment,
} from "./values/environment.js";
export { type EnvironmentFile, parseEnvironmentFile } from "./values/environment-file.js";
export {
  type ExecLine,
  type ExecProblem,
  type Expand,
  parseCommand,
  parseExecLine,
} from "./values/exec.js";
export { exitStatusName, parseExitStatus } from "./values/exit-status.js";
export { compilePattern, pathMatch } from "./values/path-match.js";
export { parseBoolean, parseMode, parsePercent, parseSize } from "./values/scalars.js";
export { parseSignal, signalNumber } from "./values/signals.js";
export { type Expansion, expandSpecifiers } from "./values/specifiers.js";
export {
  formatMicroseconds,
  formatTimeSpan,
  MICROSECONDS_INFINITY,
  parseMicroseconds,
  parseTimeSpan,
} from "./values/time-span.js";
export {
  nextWord,
  splitWords,
  type Word,
  type WordOptions,
  type WordProblem,
} from "./values/words.js";
