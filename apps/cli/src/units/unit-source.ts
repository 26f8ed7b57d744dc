import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseUnitName, UNIT_TYPES, type UnitName } from "@flotilla/units";
import { CliError, messageOf } from "../errors.js";

/** What a command-line argument names: a unit, and a file that may hold it. */
export interface UnitArgument {
  readonly name: UnitName;
  /** The argument as a path, with the suffix that the name got. */
  readonly path: string;
}

/** `web@1`, `web@1.service` or `some/folder/web@1.service`: without a unit type it is a service. */
export function unitArgument(text: string): UnitArgument {
  const typed = UNIT_TYPES.some((type) => text.endsWith(`.${type}`));
  const path = typed ? text : `${text}.service`;
  try {
    return { name: parseUnitName(basename(path)), path };
  } catch (error) {
    throw new CliError(messageOf(error), { code: "bad-unit", cause: error });
  }
}

/** The unit's own file, where there is one. */
export function readUnitFile({ path }: UnitArgument): string | undefined {
  return existsSync(path) ? read(path) : undefined;
}

/** The template's file beside it, where there is one. */
export function readTemplateFile({ name, path }: UnitArgument): string | undefined {
  if (name.template === undefined) return undefined;
  const template = join(dirname(path), name.template);
  return existsSync(template) ? read(template) : undefined;
}

function read(path: string): string {
  const bytes = readFileSync(path);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new CliError(`${path}: not UTF-8`, { code: "bad-unit", cause: error });
  }
}
