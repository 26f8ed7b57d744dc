import type { Argument, Command } from "./datadriven.js";
import { ScriptError } from "./script-error.js";

/** The values of every argument of this name. */
export function valuesOf(args: readonly Argument[], key: string): string[] {
  return args.filter((arg) => arg.key === key).flatMap((arg) => arg.values);
}

/** The last value of an argument; undefined when the command has none. */
export function lastValueOf(args: readonly Argument[], key: string): string | undefined {
  return valuesOf(args, key).at(-1);
}

/** Arguments without values, as numbers: the members that a command is about. */
export function numbersOf({ name, args }: Command): number[] {
  return args.filter(({ values }) => values.length === 0).map(({ key }) => number(name, key));
}

/** The number of an argument that must be there. */
export function numberOf({ name, args }: Command, key: string): number {
  return number(name, lastValueOf(args, key) ?? "");
}

function number(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`the script gives ${name} "${text}" for a number`);
  return Number(text);
}

const TRUE = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE = ["0", "f", "F", "FALSE", "false", "False"];

/** What Go's `strconv.ParseBool` takes. */
export function parseBoolean(text: string): boolean {
  if (TRUE.includes(text)) return true;
  if (FALSE.includes(text)) return false;
  throw new ScriptError(`strconv.ParseBool: parsing "${text}": invalid syntax`);
}
