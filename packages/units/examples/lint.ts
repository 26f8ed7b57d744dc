// Prints what is wrong in the unit files that are named on the command line.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { formatDiagnostic, loadUnit, parseUnitFile } from "@flotilla/units";

for (const path of process.argv.slice(2)) {
  const text = readFileSync(path, "utf8");
  const { diagnostics } = loadUnit(basename(path), parseUnitFile(text, { file: path }));
  for (const one of diagnostics) console.log(formatDiagnostic(one, text));
  if (diagnostics.some((one) => one.severity === "error")) process.exitCode = 1;
}
