import type { EscapeOptions } from "@flotilla/units/analyze";
import { Command, Option } from "commander";
import type { CalendarOptions } from "./analyze.js";
import type { LintOptions } from "./lint.js";

/**
 * The verbs on unit files of this machine; they need no node. Each verb's module is loaded when it is
 * asked for.
 */
export function unitsCommand(environment: Readonly<Record<string, string | undefined>>): Command {
  const units = new Command("units").description("unit files of this machine; needs no node");
  addAnalysis(units, environment["TZ"]);
  addFiles(units);
  return units;
}

function addAnalysis(units: Command, timeZone: string | undefined): void {
  units
    .command("calendar <expressions...>")
    .description("normalise calendar expressions and tell when they elapse, as systemd-analyze")
    .option("--iterations <n>", "how many times to tell", "1")
    .option("--base-time <timestamp>", "tell the times after this one instead of now")
    .action(async (expressions: string[], options: CalendarOptions) => {
      const { calendar } = await import("./analyze.js");
      return calendar(expressions, options, timeZone);
    });
  units
    .command("timespan <spans...>")
    .description("read time spans and print them anew, as systemd-analyze")
    .action(async (spans: string[]) => {
      const { timespan } = await import("./analyze.js");
      return timespan(spans, timeZone);
    });
  units
    .command("escape [names...]")
    .description("make text fit for unit names, and undo it, as systemd-escape")
    .option("--suffix <type>", "put a type behind each name")
    .option("--template <name>", "make instances of a template")
    .option("--instance", "with -u, the instance part only")
    .option("-u, --unescape", "undo it")
    .option("-m, --mangle", "make the unit name that was probably meant")
    .option("-p, --path", "the text is a path")
    .action(async (names: string[], options: EscapeOptions) => {
      const { escapeNames } = await import("./analyze.js");
      return escapeNames(names, options);
    });
}

function output(): Option {
  return new Option("-o, --output <format>", "how to print")
    .choices(["text", "json"])
    .default("text");
}

function addFiles(units: Command): void {
  units
    .command("lint <files...>")
    .description("tell what is wrong with unit files (- is standard input)")
    .option("--fail-on <severity>", "exit with 1 from info, warning or error on, or never", "error")
    .option("--name <unit>", "what standard input is called", "stdin.service")
    .addOption(output())
    .action(async (files: string[], options: LintOptions) => {
      const { lint } = await import("./lint.js");
      return lint(files, options);
    });
}
