import type { EscapeOptions } from "@flotilla/units/analyze";
import { Command, Option } from "commander";
import type { CalendarOptions } from "./analyze.js";
import type { FormatOptions } from "./format.js";
import type { LintOptions } from "./lint.js";
import type { GraphOptions, StoreOptions } from "./stored.js";

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

function output(...formats: string[]): Option {
  return new Option("-o, --output <format>", "how to print").choices(formats).default(formats[0]);
}

function addFiles(units: Command): void {
  units
    .command("lint <files...>")
    .description("tell what is wrong with unit files (- is standard input)")
    .option("--fail-on <severity>", "exit with 1 from info, warning or error on, or never", "error")
    .option("--name <unit>", "what standard input is called", "stdin.service")
    .addOption(output("text", "json"))
    .action(async (files: string[], options: LintOptions) => {
      const { lint } = await import("./lint.js");
      return lint(files, options);
    });
  units
    .command("format <files...>")
    .description("print unit files in one style (- is standard input)")
    .option("--check", "name the files that would change; exit with 1 if there are any")
    .option("-w, --write", "write them back, and name those that changed")
    .action(async (files: string[], options: FormatOptions) => {
      const { format } = await import("./format.js");
      return format(files, options);
    });
  stored(units.command("cat <units...>"))
    .description("print the files that make a unit, drop-ins included")
    .action(async (names: string[], options: StoreOptions) => {
      const { cat } = await import("./stored.js");
      return cat(names, options);
    });
  stored(units.command("graph [units...]"))
    .description("what units depend on, and the cycles in their order; all units without names")
    .addOption(output("text", "json", "dot"))
    .addOption(
      new Option("--fail-on <what>", "exit with 1 for cycles, or never")
        .choices(["cycle", "never"])
        .default("cycle"),
    )
    .action(async (names: string[], options: GraphOptions) => {
      const { graph } = await import("./stored.js");
      return graph(names, options);
    });
}

function stored(command: Command): Command {
  return command
    .option("--path <folders>", "look in these folders, with colons between, not in systemd's")
    .option("--root <folder>", "look below another root");
}
