import {
  type Configuration,
  enterJoint,
  leaveJoint,
  simple,
} from "../../src/core/conf-change/changer.js";
import { memberProgress } from "../../src/core/status.js";
import { EMPTY_MEMBERSHIP } from "../../src/core/tracker/tracker.js";
import { lastValueOf, parseBoolean } from "./arguments.js";
import { parseChanges } from "./changes.js";
import type { Command } from "./datadriven.js";
import { describeMembership, describeProgress } from "./describe.js";
import { errorText, ScriptError } from "./script-error.js";

/** Runs the scripts about changes of the configuration; the last index grows with each command. */
export function confChangeScript(): (command: Command) => string {
  let configuration: Configuration = { membership: EMPTY_MEMBERSHIP, progress: new Map() };
  let lastIndex = 0;
  return (command) => {
    try {
      configuration = apply(configuration, command, lastIndex);
    } catch (error) {
      return `${errorText(error)}\n`;
    } finally {
      lastIndex++;
    }
    const { membership, progress } = configuration;
    const members = new Map([...progress].map(([id, pr]) => [id, memberProgress(pr)]));
    return `${describeMembership(membership)}\n${describeProgress(members)}`;
  };
}

function apply(base: Configuration, command: Command, lastIndex: number): Configuration {
  const changes = parseChanges(command.input);
  const defaults = {
    lastIndex,
    maxInflightMsgs: 10,
    maxInflightBytes: Number.POSITIVE_INFINITY,
  };
  switch (command.name) {
    case "simple":
      return simple(base, changes, defaults);
    case "enter-joint": {
      const autoLeave = parseBoolean(lastValueOf(command.args, "autoleave") ?? "false");
      return enterJoint(base, autoLeave, changes, defaults);
    }
    case "leave-joint":
      if (changes.length > 0) throw new ScriptError("this command takes no input");
      return leaveJoint(base);
    default:
      throw new ScriptError("unknown command");
  }
}
