import type { Config } from "../../src/core/config.js";
import type { Snapshot } from "../../src/core/types.js";
import { lastValueOf, parseBoolean, valuesOf } from "./arguments.js";
import type { Argument } from "./datadriven.js";
import { InteractionNode } from "./interaction-node.js";
import { ScriptError } from "./script-error.js";

type NodeConfig = Omit<Config, "id" | "storage">;

/** Limits that never bite unless a script sets them. */
const BASE: NodeConfig = {
  electionTick: 3,
  heartbeatTick: 1,
  maxSizePerMsg: Number.POSITIVE_INFINITY,
  maxUncommittedSize: Number.POSITIVE_INFINITY,
  maxInflightMsgs: 2 ** 31 - 1,
  maxInflightBytes: Number.POSITIVE_INFINITY,
  random: () => 0,
};

/** `add-nodes N voters=(1,2) learners=(3) index=10 …`: adds N members that start from a snapshot. */
export function addNodes(nodes: InteractionNode[], args: readonly Argument[]): void {
  const index = Number(lastValueOf(args, "index") ?? 0);
  const voters = valuesOf(args, "voters").map(Number);
  const learners = valuesOf(args, "learners").map(Number);
  const content = lastValueOf(args, "content") ?? "";
  const bootstrap = index > 0 || voters.length > 0 || learners.length > 0 || content !== "";
  if (bootstrap && index <= 1) {
    throw new ScriptError("index must be specified as > 1 due to bootstrap");
  }
  const confState = { voters, learners, votersOutgoing: [], learnersNext: [], autoLeave: false };
  const snapshot: Snapshot = {
    metadata: { index, term: bootstrap ? 1 : 0, confState },
    data: new TextEncoder().encode(content),
  };
  const config = { ...configure(args), applied: index };
  for (let i = Number(args[0]?.key); i > 0; i--) {
    nodes.push(new InteractionNode(nodes.length + 1, config, snapshot));
  }
}

function configure(args: readonly Argument[]): NodeConfig {
  let config = BASE;
  for (const { key, values } of args) {
    for (const value of values) config = { ...config, ...option(key, value) };
  }
  return config;
}

function option(key: string, value: string): Partial<NodeConfig> {
  switch (key) {
    case "inflight":
      return { maxInflightMsgs: Number(value) };
    case "async-storage-writes":
      return { asyncStorageWrites: parseBoolean(value) };
    case "prevote":
      return { preVote: parseBoolean(value) };
    case "checkquorum":
      return { checkQuorum: parseBoolean(value) };
    case "max-committed-size-per-ready":
      // 0 stands for the default, which is `maxSizePerMsg`.
      return value === "0" ? {} : { maxCommittedSizePerReady: Number(value) };
    case "disable-conf-change-validation":
      return { disableConfChangeValidation: parseBoolean(value) };
    case "step-down-on-removal":
      return { stepDownOnRemoval: parseBoolean(value) };
    case "read-only":
      if (value !== "safe" && value !== "lease-based") {
        throw new ScriptError(`invalid read-only option "${value}"`);
      }
      return { readOnly: value };
    default:
      return {};
  }
}
