import { Command } from "commander";
import type { SuperviseOptions } from "./run.js";

/** `flotilla supervise`: a folder of unit files run on this machine, without a cluster. */
export function superviseCommand(): Command {
  return new Command("supervise")
    .argument("<dir>", "a folder of unit files, as /etc/systemd/system is")
    .description("run a folder of units on this machine, without a cluster, until SIGTERM")
    .option("--state <dir>", "journals and what the units need while they run", defaultState())
    .option("--unit <names...>", "start these, not those that [Install] or .wants folders name")
    .option(
      "--until-idle",
      "end when nothing runs any more; exit code 1 if a unit has failed",
      false,
    )
    .option(
      "--keep <span>",
      "should this process be killed, keep the units so long for the next",
      "0",
    )
    .option("--quiet", "do not print what the units write; it is in their journals", false)
    .action(async (directory: string, options: SuperviseOptions) => {
      const { supervise } = await import("./run.js");
      await supervise(directory, options, (line) => process.stdout.write(`${line}\n`));
    });
}

function defaultState(): string {
  return process.getuid?.() === 0 ? "/var/lib/flotilla-supervise" : ".flotilla-supervise";
}
