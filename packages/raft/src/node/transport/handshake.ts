import { type NodeId, RaftError } from "../../index.js";
import { asArray, asNumber, asString, fromCbor, toCborSlice } from "./cbor.js";

/**
 * Optional abilities, a bit each. One is used on a stream only where both sides have it, so that
 * members of different versions work together.
 */
export const Feature = {
  /** A broken snapshot transfer goes on where it ended. */
  SnapshotResume: 1,
  /** Envelopes carry messages of several groups, and the receiver names those that it does not know. */
  Groups: 2,
} as const;

/** What one side can speak. */
export interface Protocol {
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly features: number;
}

/** What this program can speak. */
export const PROTOCOL: Protocol = {
  minVersion: 1,
  maxVersion: 1,
  features: Feature.SnapshotResume | Feature.Groups,
};

/** First on each stream, both ways. */
export interface Hello extends Protocol {
  readonly clusterId: string;
  readonly from: NodeId;
  readonly to: NodeId;
}

/** What both sides of a stream can: the encoder keeps to it. */
export interface Agreement {
  readonly version: number;
  readonly features: number;
}

/** This side of a handshake. */
export function helloOf(clusterId: string, from: NodeId, to: NodeId): Hello {
  return { ...PROTOCOL, clusterId, from, to };
}

export function encodeHello(hello: Hello): Buffer {
  const { minVersion, maxVersion, features, clusterId, from, to } = hello;
  return toCborSlice([minVersion, maxVersion, features, clusterId, from, to]);
}

/** Fields beyond the known ones come from newer versions and are ignored. */
export function decodeHello(bytes: Uint8Array): Hello {
  const fields = asArray(fromCbor(bytes), 6, "hello");
  return {
    minVersion: asNumber(fields[0], "minimum version"),
    maxVersion: asNumber(fields[1], "maximum version"),
    features: asNumber(fields[2], "features"),
    clusterId: asString(fields[3], "cluster id"),
    from: asNumber(fields[4], "from"),
    to: asNumber(fields[5], "to"),
  };
}

/**
 * The newest version and the features that both sides have.
 *
 * @throws RaftError `wrong-cluster` or `invalid-config` saying what does not match
 */
export function agree(
  theirs: Hello,
  ours: { readonly clusterId: string; readonly id: NodeId },
): Agreement {
  if (theirs.clusterId !== ours.clusterId) {
    throw new RaftError(
      "wrong-cluster",
      `member ${theirs.from} is of cluster "${theirs.clusterId}", ` +
        `member ${ours.id} of cluster "${ours.clusterId}"`,
    );
  }
  if (theirs.to !== ours.id) {
    const message = `member ${theirs.from} looked for member ${theirs.to} and found member ${ours.id}`;
    throw new RaftError("wrong-cluster", message);
  }
  const { minVersion, maxVersion, features } = PROTOCOL;
  const version = Math.min(theirs.maxVersion, maxVersion);
  if (version < Math.max(theirs.minVersion, minVersion)) {
    throw new RaftError(
      "invalid-config",
      `member ${theirs.from} speaks versions ${theirs.minVersion} to ${theirs.maxVersion} of the ` +
        `wire, member ${ours.id} ${minVersion} to ${maxVersion}`,
    );
  }
  return { version, features: theirs.features & features };
}

export function has(agreement: Agreement, feature: number): boolean {
  return (agreement.features & feature) !== 0;
}
