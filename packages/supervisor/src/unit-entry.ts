import {
  type Diagnostic,
  loadUnit,
  type MachineSpecifiers,
  parseUnitFile,
  UNIT_TYPES,
  type UnitModel,
} from "@flotilla/units";
import { SupervisorError } from "./errors.js";
import { UnitSettings } from "./settings/unit-settings.js";
import { stateOf } from "./target-unit.js";
import type { LoadState, UnitStatus } from "./types.js";
import type { ManagedUnit, RestTimes } from "./unit.js";

/** A definition as it was loaded: usable, or why not. */
export interface Definition {
  readonly load: LoadState;
  readonly model: UnitModel | undefined;
  readonly content: string;
  /** What the model does not carry; there when there is a model. */
  readonly settings: UnitSettings | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** Why the unit cannot be started. */
  readonly refusal: SupervisorError | undefined;
}

/** A unit that the supervisor knows. `managed` is there once a usable definition was loaded. */
export interface UnitEntry {
  readonly name: string;
  definition: Definition;
  managed: ManagedUnit | undefined;
  loadedAt: number;
  times: RestTimes;
}

const NAME_LENGTH_MAX = 255;

/** Throws `invalid-name` unless `name` is one of a unit that can be run: no template, a known suffix. */
export function assertUnitName(name: string): void {
  const type = UNIT_TYPES.find((suffix) => name.endsWith(`.${suffix}`));
  const stem = type ? name.slice(0, -type.length - 1) : "";
  const valid = /^[0-9A-Za-z:_.\\@-]+$/.test(stem) && !stem.endsWith("@");
  if (!valid || stem.startsWith("@") || name.length > NAME_LENGTH_MAX) {
    throw new SupervisorError("invalid-name", `Not the name of a unit that can be run: "${name}"`);
  }
}

/** Reads a unit file. Never throws for what the file holds. */
export function readDefinition(
  name: string,
  content: string,
  specifiers: MachineSpecifiers,
): Definition {
  if (content.trim() === "") {
    const refusal = new SupervisorError("bad-setting", `${name} is masked: its file is empty`);
    return {
      load: "masked",
      model: undefined,
      settings: undefined,
      content,
      diagnostics: [],
      refusal,
    };
  }
  const file = parseUnitFile(content, { file: name });
  const { unit, diagnostics } = loadUnit(name, file, { specifiers });
  if (!unit) {
    const first = diagnostics.find(({ severity }) => severity === "error");
    const where = first ? `: line ${first.span.start.line}: ${first.message}` : "";
    const refusal = new SupervisorError("bad-setting", `${name} has errors${where}`);
    return {
      load: "bad-setting",
      model: undefined,
      settings: undefined,
      content,
      diagnostics,
      refusal,
    };
  }
  const settings = new UnitSettings(unit.name, file, specifiers);
  const problem = unsupported(unit);
  if (problem !== undefined) {
    const refusal = new SupervisorError("unsupported", `${name}: ${problem}`);
    return { load: "error", model: undefined, settings: undefined, content, diagnostics, refusal };
  }
  return { load: "loaded", model: unit, settings, content, diagnostics, refusal: undefined };
}

const WITHOUT_PROCESSES: ReadonlySet<string> = new Set(["target", "timer", "path", "socket"]);

function unsupported({ name, service }: UnitModel): string | undefined {
  if (WITHOUT_PROCESSES.has(name.type)) return undefined;
  if (name.type !== "service") return `units of type ${name.type} cannot be run yet`;
  if (!service) return "there is no [Service] section";
  return service.type === "dbus" ? "Type=dbus needs a bus, and there is none" : undefined;
}

/** A unit's status, without its use of resources. */
export function statusOf({ name, definition, managed, loadedAt }: UnitEntry): UnitStatus {
  const common = {
    name,
    description: definition.model?.unit.description || name,
    load: definition.load,
    diagnostics: definition.diagnostics,
  };
  const { exit, ...state } = managed?.state ?? stateOf("dead", loadedAt);
  return {
    ...common,
    active: managed?.active ?? "inactive",
    sub: state.sub,
    result: state.result,
    mainPid: state.mainPid,
    statusText: state.statusText,
    restarts: state.restarts,
    stateChangedAt: state.stateChangedAt || loadedAt,
    ...(state.nextTriggerAt !== undefined && { nextTriggerAt: state.nextTriggerAt }),
    ...(state.willRestart && { willRestart: true }),
    ...(exit?.type === "exited" && { exitCode: exit.code }),
    ...(exit?.type === "signaled" && { exitSignal: exit.signal }),
  };
}
