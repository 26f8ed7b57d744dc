import {
  type Configuration,
  enterJoint,
  leaveJoint,
  simple,
} from "../../src/core/conf-change/changer.js";
import { RaftError } from "../../src/core/errors.js";
import { memberProgress } from "../../src/core/status.js";
import { EMPTY_MEMBERSHIP } from "../../src/core/tracker/tracker.js";
import type { ConfChangeSingle } from "../../src/core/types.js";
import type { Command } from "./datadriven.js";
import { describeMembership, describeProgress, parseChanges } from "./describe.js";

/** Runs the scripts about changes of the configuration; the last index grows with each command. */
export function confChangeScript(): (command: Command) => string {
  let configuration: Configuration = { membership: EMPTY_MEMBERSHIP, progress: new Map() };
  let lastIndex = 0;
  return (command) => {
    const changes = parseChanges(command.input);
    if (changes === null) return `unknown input: ${command.input}`;
    const autoLeave = command.args.some(
      ({ key, values }) => key === "autoleave" && values[0] === "true",
    );
    try {
      configuration = apply(configuration, command.name, changes, autoLeave, lastIndex);
    } catch (error) {
      if (RaftError.is(error)) return `${error.message}\n`;
      throw error;
    } finally {
      lastIndex++;
    }
    const { membership, progress } = configuration;
    const members = new Map([...progress].map(([id, pr]) => [id, memberProgress(pr)]));
    return `${describeMembership(membership)}\n${describeProgress(members)}`;
  };
}

function apply(
  configuration: Configuration,
  name: string,
  changes: readonly ConfChangeSingle[],
  autoLeave: boolean,
  lastIndex: number,
): Configuration {
  const defaults = {
    lastIndex,
    maxInflightMsgs: 10,
    maxInflightBytes: Number.POSITIVE_INFINITY,
  };
  switch (name) {
    case "simple":
      return simple(configuration, changes, defaults);
    case "enter-joint":
      return enterJoint(configuration, autoLeave, changes, defaults);
    case "leave-joint":
      return leaveJoint(configuration);
    default:
      throw new Error(`unknown command ${name}`);
  }
}
