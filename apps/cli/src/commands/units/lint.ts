import {
  checkQuadlet,
  type Diagnostic,
  formatDiagnostic,
  isQuadletName,
  loadUnit,
  parseUnitFile,
} from "@flotilla/units";
import { CliError, Exit } from "../../errors.js";
import { showJson } from "../../output/output.js";
import { readSources, type Source } from "./sources.js";
import { printOut } from "./terminal.js";

/** From mild to grave; `never`: whatever is found, the exit code is 0. */
const LEVELS = ["info", "warning", "error", "never"] as const;
type Level = (typeof LEVELS)[number];

export interface LintOptions {
  readonly failOn: string;
  readonly output: string;
  readonly name: string;
}

/** units lint: what is wrong with unit files; exit code 1 where something is as grave as --fail-on. */
export async function lint(paths: readonly string[], options: LintOptions): Promise<void> {
  const failOn = levelOf(options.failOn);
  const sources = await readSources(paths, options.name);
  const found = sources.map((source) => ({ source, diagnostics: check(source) }));
  const all = found.flatMap(({ diagnostics }) => diagnostics);
  if (options.output === "json") {
    await printOut(showJson(all));
  } else {
    for (const { source, diagnostics } of found) {
      for (const one of diagnostics) await printOut(`${formatDiagnostic(one, source.text)}\n`);
    }
  }
  if (all.some(({ severity }) => LEVELS.indexOf(severity) >= LEVELS.indexOf(failOn))) {
    throw new Exit(1);
  }
}

function check({ path, name, text }: Source): readonly Diagnostic[] {
  const file = path === "-" ? name : path;
  const parsed = parseUnitFile(text, { file });
  return isQuadletName(name) ? checkQuadlet(name, parsed) : loadUnit(name, parsed).diagnostics;
}

export function levelOf(text: string): Level {
  const level = LEVELS.find((one) => one === text);
  if (level !== undefined) return level;
  throw new CliError(`--fail-on: there is no severity "${text}"`, {
    hint: `there are ${LEVELS.join(", ")}`,
    exitCode: 2,
  });
}
