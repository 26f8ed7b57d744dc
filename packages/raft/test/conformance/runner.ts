import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { confChangeScript } from "./conf-change-script.js";
import { type Argument, type Command, parseScript } from "./datadriven.js";
import { diff } from "./diff.js";
import { InteractionScript } from "./interaction-script.js";
import { quorumScript } from "./quorum-script.js";

/** A command that printed something else than its script expects. */
export interface Mismatch {
  readonly line: number;
  readonly command: string;
  /** Expected lines begin with −, actual ones with +. */
  readonly diff: string;
}

export interface ScriptResult {
  readonly commands: number;
  readonly mismatches: readonly Mismatch[];
}

/**
 * All scripts below a folder, in alphabetical order: files that end in `.txt` or in nothing.
 * Throws when the folder is missing.
 */
export function findScripts(folder: string): string[] {
  if (!statSync(folder).isDirectory()) return [folder];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile() && /^[^.#]+(\.txt)?$/.test(file.name))
    .map((file) => join(file.parentPath, file.name))
    .filter((path) => path.endsWith(".txt") || /^----\r?$/m.test(readFileSync(path, "utf8")))
    .sort();
}

/** A script's path for people. */
export function scriptName(folder: string, path: string): string {
  return relative(folder, path) || path;
}

const QUORUM_VERBS: readonly string[] = ["committed", "vote"];
const CONF_CHANGE_VERBS: readonly string[] = ["simple", "enter-joint", "leave-joint"];

/** Which of the three kinds a script is shows in its verbs. */
function handlerFor(commands: readonly Command[]): (command: Command) => string {
  if (commands.some(({ name }) => QUORUM_VERBS.includes(name))) return quorumScript();
  if (commands.some(({ name }) => CONF_CHANGE_VERBS.includes(name))) return confChangeScript();
  const script = new InteractionScript();
  return (command) => script.run(command);
}

/** Log lines are no part of the comparison: this core does not log. */
function withoutLogs(text: string): string {
  const lines = text
    .replace(/\n$/, "")
    .split("\n")
    .filter((line) => !/^\s*(DEBUG|INFO|WARN|ERROR|FATAL) /.test(line));
  // A command that prints nothing says "ok"; where only log lines are expected, this is the same.
  return lines.join("\n") || "ok";
}

/** Runs a script to its end, or to the command where the core stops. Throws `SyntaxFault`. */
export function runScript(path: string): ScriptResult {
  const commands = parseScript(readFileSync(path, "utf8"));
  const handle = handlerFor(commands);
  const mismatches: Mismatch[] = [];
  for (const command of commands) {
    const expected = withoutLogs(command.expected);
    let actual: string;
    let stopped = false;
    try {
      actual = withoutLogs(handle(command));
    } catch (error) {
      actual = `stopped: ${error instanceof Error ? (error.stack ?? error.message) : error}`;
      stopped = true;
    }
    if (actual !== expected) {
      const name = [command.name, ...command.args.map(describeArgument)].join(" ");
      mismatches.push({ line: command.line, command: name, diff: diff(expected, actual) });
    }
    if (stopped) break;
  }
  return { commands: commands.length, mismatches };
}

function describeArgument({ key, values }: Argument): string {
  if (values.length === 0) return key;
  return values.length === 1 ? `${key}=${values[0]}` : `${key}=(${values.join(",")})`;
}
