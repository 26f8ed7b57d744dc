import { readFileSync } from "node:fs";
import * as v from "valibot";
import { messageOf, NodeError } from "../errors.js";
import { type Config, OPTIONS, type OptionName } from "./options.js";

export interface ConfigSources {
  /** From the command line: option name → text. */
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A JSON object of option name → text, number or boolean. */
  readonly file?: string;
  /** Instead of the options' own defaults. */
  readonly defaults?: Readonly<Record<string, string>>;
}

const names = Object.keys(OPTIONS) as OptionName[];

/** The variable of an option: `data-dir` → `FLOTILLA_DATA_DIR`. */
export function environmentName(option: string): string {
  return `FLOTILLA_${option.toUpperCase().replaceAll("-", "_")}`;
}

/** Flags > environment > file > defaults. Throws NodeError `bad-option` naming place and mend. */
export function loadConfig(sources: ConfigSources): Config {
  const file = sources.file === undefined ? {} : readConfigFile(sources.file);
  const config: Record<string, unknown> = {};
  for (const name of names) {
    const [text, place] = choose(name, sources, file);
    const parsed = v.safeParse(OPTIONS[name].schema, text);
    if (!parsed.success) {
      throw new NodeError("bad-option", `${place}: "${text}" ${parsed.issues[0].message}`, {
        hint: `${name}: ${OPTIONS[name].help}`,
      });
    }
    config[name] = parsed.output;
  }
  return config as Config;
}

function choose(
  name: OptionName,
  { flags, environment, file: path, defaults }: ConfigSources,
  file: Readonly<Record<string, string>>,
): [text: string, place: string] {
  const fromEnvironment = environment[environmentName(name)];
  if (flags[name] !== undefined) return [flags[name], `--${name}`];
  if (fromEnvironment !== undefined) return [fromEnvironment, environmentName(name)];
  if (file[name] !== undefined) return [file[name], `${path}: ${name}`];
  return [defaults?.[name] ?? OPTIONS[name].default, `--${name}`];
}

function readConfigFile(path: string): Record<string, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new NodeError("bad-option", `${path}: ${messageOf(error)}`, {
      hint: "the configuration file is one JSON object of option names and values",
      cause: error,
    });
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new NodeError("bad-option", `${path}: must hold one JSON object`);
  }
  const settings: Record<string, string> = {};
  for (const [key, value] of Object.entries(parsed)) {
    if (!names.includes(key as OptionName)) {
      throw new NodeError("bad-option", `${path}: unknown option "${key}"`, {
        hint: `known are ${names.join(", ")}`,
      });
    }
    settings[key] = String(value);
  }
  return settings;
}
