import { resolve } from "node:path";
import { findScripts, runScript, scriptName } from "./runner.js";

// `npm run conformance -- [DIR]`: DIR is relative to where npm was called.
const from = process.env["INIT_CWD"] ?? process.cwd();
const [argument] = process.argv.slice(2);
const folder =
  argument === undefined
    ? resolve(process.cwd(), "../../../shared/conformance/raft")
    : resolve(from, argument);

const scripts = findScripts(folder);
if (scripts.length === 0) console.error(`no scripts (*.txt) in ${folder}`);

let failed = 0;
let commands = 0;
for (const path of scripts) {
  const result = runScript(path);
  commands += result.commands;
  if (result.mismatches.length === 0) continue;
  failed++;
  for (const { line, command, diff } of result.mismatches) {
    console.log(`FAIL ${scriptName(folder, path)}:${line} ${command}\n${diff}\n`);
  }
}
console.log(`${scripts.length - failed} passed, ${failed} failed (${commands} commands)`);
process.exitCode = failed === 0 && scripts.length > 0 ? 0 : 1;
