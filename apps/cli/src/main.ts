import { CommanderError } from "commander";
import { CliError, Exit, messageOf } from "./errors.js";
import { createProgram } from "./program.js";

/** Runs one command. Resolves to the exit code: 0 done, 1 failed, 2 the command line is wrong. */
export async function main(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  // `flotilla … | head` closes the pipe early: that is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  try {
    await createProgram(environment).parseAsync(argv, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof Exit) return error.exitCode;
    return report(error, environment);
  }
}

function report(error: unknown, environment: Readonly<Record<string, string | undefined>>): number {
  const lines = [`flotilla: ${messageOf(error)}`];
  if (error instanceof CliError) {
    lines.push(...error.details.map((detail) => `  ${detail}`));
    if (error.hint !== undefined) lines.push(`  mend: ${error.hint}`);
  }
  if (environment["FLOTILLA_DEBUG"] && error instanceof Error) lines.push(error.stack ?? "");
  process.stderr.write(`${lines.join("\n")}\n`);
  return error instanceof CliError ? error.exitCode : 1;
}
