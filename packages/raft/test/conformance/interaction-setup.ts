import type { Config } from "../../src/core/config.js";
import type { Snapshot } from "../../src/core/types.js";
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
  const values = (key: string) => args.filter((arg) => arg.key === key).flatMap((a) => a.values);
  const index = Number(values("index")[0] ?? 0);
  const voters = values("voters").map(Number);
  const learners = values("learners").map(Number);
  const content = values("content")[0] ?? "";
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
    const last = values.at(-1);
    if (last !== undefined) config = { ...config, ...option(key, last) };
  }
  return config;
}

function option(key: string, value: string): Partial<NodeConfig> {
  const on = value === "true";
  switch (key) {
    case "inflight":
      return { maxInflightMsgs: Number(value) };
    case "async-storage-writes":
      return { asyncStorageWrites: on };
    case "prevote":
      return { preVote: on };
    case "checkquorum":
      return { checkQuorum: on };
    case "max-committed-size-per-ready":
      return { maxCommittedSizePerReady: Number(value) };
    case "disable-conf-change-validation":
      return { disableConfChangeValidation: on };
    case "step-down-on-removal":
      return { stepDownOnRemoval: on };
    case "read-only":
      if (value !== "safe" && value !== "lease-based") {
        throw new ScriptError(`invalid read-only option "${value}"`);
      }
      return { readOnly: value };
    default:
      return {};
  }
}
