import { UnitsError } from "../errors.js";
import { UNIT_TYPES, type UnitName, type UnitType } from "../types.js";

/** systemd's UNIT_NAME_MAX: a name must be shorter than 256 bytes. */
export const UNIT_NAME_LENGTH_MAX = 255;

const TYPES: ReadonlySet<string> = new Set(UNIT_TYPES);

/** Types whose units may be templates; systemd allows none for the others. */
const TEMPLATE_TYPES: ReadonlySet<UnitType> = new Set<UnitType>([
  "service",
  "socket",
  "target",
  "timer",
  "path",
]);

/**
 * Takes a unit name apart by the rules of systemd.unit(5). The instance runs from the first `@` to
 * the last `.`, so `foo@bar@baz.service` has the instance `bar@baz`.
 *
 * @throws UnitsError "invalid-name", with a hint.
 * @example
 * ```ts
 * parseUnitName("web@8080.service").template; // "web@.service"
 * ```
 */
export function parseUnitName(name: string): UnitName {
  const parsed = readUnitName(name);
  if ("problem" in parsed) {
    const message = `${JSON.stringify(name)} is not a unit name: ${parsed.problem}.`;
    throw new UnitsError("invalid-name", message, { hint: parsed.hint });
  }
  return parsed;
}

/** True for what `parseUnitName` accepts. */
export function isValidUnitName(name: string): boolean {
  return !("problem" in readUnitName(name));
}

/** As `parseUnitName`, undefined for what is no unit name. */
export function tryParseUnitName(name: string): UnitName | undefined {
  const parsed = readUnitName(name);
  return "problem" in parsed ? undefined : parsed;
}

/**
 * The instance of a template: `instanceName("web@.service", "a")` is `web@a.service`.
 *
 * @throws UnitsError "invalid-name" when `template` is not one or the instance cannot stand in a name
 * (escape it with `escapeUnitName` first).
 */
export function instanceName(template: string, instance: string): string {
  const parsed = parseUnitName(template);
  if (!parsed.isTemplate) {
    const hint = "A template has @ before its type, as in web@.service.";
    throw new UnitsError("invalid-name", `${JSON.stringify(template)} is not a template.`, {
      hint,
    });
  }
  if (instance === "") {
    throw new UnitsError("invalid-name", `An instance of ${template} needs a name.`, {
      hint: `Name it as in ${parsed.prefix}@1.${parsed.type}.`,
    });
  }
  return parseUnitName(`${parsed.prefix}@${instance}.${parsed.type}`).name;
}

interface Problem {
  readonly problem: string;
  readonly hint: string;
}

function readUnitName(name: string): UnitName | Problem {
  if (name === "") return { problem: "it is empty", hint: "Names look like web.service." };
  if (name.length > UNIT_NAME_LENGTH_MAX) {
    const problem = `it has ${name.length} characters`;
    return { problem, hint: `At most ${UNIT_NAME_LENGTH_MAX} are allowed.` };
  }
  const bad = /[^A-Za-z0-9:_.\\@-]/.exec(name);
  if (bad !== null) {
    const problem = `${JSON.stringify(bad[0])} is not allowed in it`;
    const hint = "Letters, digits and : _ . \\ @ - are allowed; escape others with systemd-escape.";
    return { problem, hint };
  }
  const dot = name.lastIndexOf(".");
  const type = name.slice(dot + 1);
  if (dot === -1 || !TYPES.has(type)) {
    const problem = dot === -1 ? "its type is missing" : `${JSON.stringify(type)} is not a type`;
    return { problem, hint: `It must end in one of .${UNIT_TYPES.join(" .")}, in lower case.` };
  }
  const at = name.indexOf("@");
  if (dot === 0 || at === 0) {
    return { problem: "nothing stands before its type or @", hint: "Begin with a name." };
  }
  return assemble(name, dot, at !== -1 && at < dot ? at : -1, type as UnitType);
}

function assemble(name: string, dot: number, at: number, type: UnitType): UnitName | Problem {
  if (at === -1) {
    return { name, prefix: name.slice(0, dot), type, isTemplate: false, isInstance: false };
  }
  const prefix = name.slice(0, at);
  const instance = name.slice(at + 1, dot);
  if (instance === "") {
    return { name, prefix, type, instance, isTemplate: true, isInstance: false };
  }
  return {
    name,
    prefix,
    type,
    instance,
    isTemplate: false,
    isInstance: true,
    template: `${prefix}@.${type}`,
  };
}

/** True where units of the type can come from templates. */
export function canBeTemplate(type: UnitType): boolean {
  return TEMPLATE_TYPES.has(type);
}
