import type { Config } from "../../core/config.js";
import { RawNode } from "../../core/raw-node.js";

/** What the simulator uses of a {@link RawNode}: that of this package, or of another version of it. */
export type Core = Pick<
  RawNode,
  | "tick"
  | "step"
  | "campaign"
  | "propose"
  | "proposeConfChange"
  | "applyConfChange"
  | "readIndex"
  | "transferLeader"
  | "forgetLeader"
  | "reportUnreachable"
  | "reportSnapshot"
  | "hasReady"
  | "ready"
  | "advance"
  | "status"
  | "basicStatus"
  | "logTerm"
>;

/**
 * A version of the core: what `import("@flotilla/raft")` of it gives.
 *
 * @example
 * ```ts
 * const old: CoreBuild = await import("/tmp/raft-1.0.0/dist/index.js");
 * simulate({ seed: 1, builds: [old, THIS_BUILD] });
 * ```
 */
export interface CoreBuild {
  readonly RawNode: new (config: Config) => Core;
}

/** The core of this package. */
export const THIS_BUILD: CoreBuild = { RawNode };
