import { UnitsError } from "../errors.js";
import { canBeTemplate, parseUnitName } from "../names/unit-name.js";
import type { UnitFile } from "../syntax/tree.js";
import type { Diagnostic, LoadResult, MachineSpecifiers, UnitModel, UnitName } from "../types.js";
import { readFleetSection, readFlotillaSection } from "./fleet-section.js";
import type { MachineSize } from "./service-section.js";
import { Settings } from "./settings.js";
import { readTypeSection } from "./type-section.js";
import { readInstallSection, readUnitSection } from "./unit-section.js";

export interface LoadOptions {
  /**
   * Values of the machine's specifiers by letter (`{ H: "host1", m: "…" }`). With it, those that are
   * missing are warned of; without it they stay as they are.
   */
  readonly specifiers?: MachineSpecifiers;
  /** What percentages of memory and tasks are taken from. */
  readonly machine?: MachineSize;
  /** Files that are laid over the unit's own, in their order: its drop-ins. */
  readonly dropIns?: readonly UnitFile[];
}

/**
 * The typed model of a unit, with everything that is wrong or doubtful in it. What systemd warns of
 * and ignores is a warning; what makes systemd (or fleet, in [X-Fleet]) refuse the unit is an error,
 * and then there is no model. Never throws.
 *
 * `name` decides on the type and the specifiers: the file `web@.service` loaded as `web@1.service` is
 * that instance. Loaded as a template, values that hold `%i`, `%I` or `%f` are read with an empty
 * instance, and what seems wrong with them is not told.
 *
 * @example
 * ```ts
 * const { unit, diagnostics } = loadUnit("web@1.service", parseUnitFile(text));
 * unit?.service?.execStart[0]?.argv;
 * ```
 */
export function loadUnit(name: string, file: UnitFile, options: LoadOptions = {}): LoadResult {
  const parsed = tryName(name, file);
  if (!("prefix" in parsed)) return { diagnostics: [parsed, ...file.diagnostics] };
  const files = [file, ...(options.dropIns ?? [])];
  const settings = new Settings(files, parsed, options.specifiers);
  const unit: UnitModel = {
    name: parsed,
    unit: readUnitSection(settings, parsed),
    install: readInstallSection(settings),
    fleet: readFleetSection(settings),
    flotilla: readFlotillaSection(settings),
    ...readTypeSection(settings, parsed, options.machine ?? {}),
  };
  const diagnostics = settings.sorted();
  const usable = diagnostics.every((one) => one.severity !== "error");
  return usable ? { unit, diagnostics } : { diagnostics };
}

function tryName(name: string, file: UnitFile): UnitName | Diagnostic {
  try {
    const parsed = parseUnitName(name);
    if (!parsed.isTemplate || canBeTemplate(parsed.type)) return parsed;
    const hint = "Services, sockets, targets, timers and paths can be.";
    throw new UnitsError("invalid-name", `A ${parsed.type} cannot be a template.`, { hint });
  } catch (error) {
    if (!UnitsError.is(error)) throw error;
    const start = file.position(0);
    return {
      code: error.code,
      severity: "error",
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      file: file.file === "" ? name : file.file,
      span: { start, end: start },
    };
  }
}
