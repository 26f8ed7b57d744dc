import { writeFile } from "node:fs/promises";
import { formatUnitFile, parseUnitFile } from "@flotilla/units";
import { CliError, Exit, messageOf } from "../../errors.js";
import { readSources, type Source } from "./sources.js";
import { printOut } from "./terminal.js";

export interface FormatOptions {
  /** Name the files that would change, and change none. */
  readonly check?: boolean;
  /** Write them back. */
  readonly write?: boolean;
}

/** units format: unit files in one style; exit code 1 from --check where a file would change. */
export async function format(paths: readonly string[], options: FormatOptions): Promise<void> {
  const sources = await readSources(paths, "stdin");
  const formatted = sources.map((source) => ({
    source,
    text: formatUnitFile(parseUnitFile(source.text, { file: source.path })),
  }));
  const changed = formatted.filter(({ source, text }) => text !== source.text);
  if (options.check === true) {
    for (const { source } of changed) await printOut(`${source.path}\n`);
    if (changed.length > 0) throw new Exit(1);
  } else if (options.write === true) {
    for (const { source, text } of changed) await writeBack(source, text);
  } else {
    for (const { text } of formatted) await printOut(text);
  }
}

async function writeBack({ path }: Source, text: string): Promise<void> {
  if (path === "-") return printOut(text);
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw new CliError(`${path} cannot be written: ${messageOf(cause)}`, { cause });
  }
  await printOut(`${path}\n`);
}
