import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { findScripts, runScript, scriptName } from "./runner.js";

// `npm run conformance -- [DIR]`: DIR, or a single script, is relative to where npm was called.
const from = process.env["INIT_CWD"] ?? process.cwd();
const [argument] = process.argv.slice(2);
const folder =
  argument === undefined
    ? resolve(process.cwd(), "../../../shared/conformance/raft")
    : resolve(from, argument);

const found = existsSync(folder);
if (!found) console.error(`there is no ${folder}`);
const scripts = found ? findScripts(folder) : [];
if (found && scripts.length === 0) console.error(`there are no scripts (*.txt) in ${folder}`);

let failed = 0;
let commands = 0;
for (const path of scripts) {
  const name = scriptName(folder, path);
  try {
    const result = runScript(path);
    commands += result.commands;
    if (result.mismatches.length > 0) failed++;
    for (const { line, command, diff } of result.mismatches) {
      console.log(`FAIL ${name}:${line} ${command}\n${diff}\n`);
    }
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}: ${error instanceof Error ? error.message : error}\n`);
  }
}
console.log(`${commands} commands in ${scripts.length} scripts`);
console.log(`${scripts.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 && scripts.length > 0 ? 0 : 1;
