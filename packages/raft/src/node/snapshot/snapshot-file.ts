import { RaftError, type Snapshot } from "../../index.js";
import type { DiskFile } from "../disk/disk.js";
import { confStateFields, confStateFromFields } from "../group/members.js";
import { asArray, asBytes, asNumber, asString, fromCbor, toCbor } from "../transport/cbor.js";
import type { SnapshotPoint } from "../wal/types.js";
import { PieceWriter, readPieces, SNAPSHOT_PIECE, snapshotDamaged } from "./pieces.js";

const FORMAT = "flotilla-raft-snapshot";
const FORMAT_VERSION = 1;

/** What a snapshot file says of itself. */
export interface SnapshotHead {
  readonly clusterId: string;
  readonly snapshot: Snapshot;
}

/** Writes a whole file and syncs it. `file` is new and empty. Resolves with its length. */
export async function writeSnapshot(
  file: DiskFile,
  head: SnapshotHead,
  state: AsyncIterable<Uint8Array>,
): Promise<number> {
  const { metadata, data } = head.snapshot;
  const writer = new PieceWriter(file);
  await writer.add(
    toCbor([
      FORMAT,
      FORMAT_VERSION,
      head.clusterId,
      metadata.index,
      metadata.term,
      confStateFields(metadata.confState),
      data,
    ]),
  );
  for await (const chunk of state) {
    for (let at = 0; at < chunk.length; at += SNAPSHOT_PIECE) {
      await writer.add(chunk.subarray(at, at + SNAPSHOT_PIECE));
    }
  }
  const length = await writer.end();
  await file.sync();
  return length;
}

/** Reads the head. @throws RaftError `corrupt` */
export async function readSnapshotHead(file: DiskFile, path: string): Promise<SnapshotHead> {
  for await (const piece of readPieces(file, path)) return parseSnapshotHead(piece, path);
  throw snapshotDamaged(path, 0, "the snapshot has no head");
}

/** The state's pieces, each checked. @throws RaftError `corrupt` naming file and offset */
export async function* readSnapshotState(
  file: DiskFile,
  path: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isHead = true;
  for await (const piece of readPieces(file, path)) {
    if (!isHead) yield piece;
    isHead = false;
  }
}

/** What the first piece of the file at `path` says. @throws RaftError `corrupt` */
export function parseSnapshotHead(piece: Uint8Array, path: string): SnapshotHead {
  try {
    return parseHead(piece);
  } catch {
    throw snapshotDamaged(path, 0, "not a snapshot of this version");
  }
}

/** @throws RaftError `wrong-cluster`, or `corrupt` where the head is not what the file's name says */
export function checkSnapshotHead(
  { clusterId, snapshot }: SnapshotHead,
  path: string,
  expected: SnapshotPoint & { readonly clusterId: string },
): void {
  if (clusterId !== expected.clusterId) {
    const message = `${path} is of cluster "${clusterId}", not "${expected.clusterId}"`;
    throw new RaftError("wrong-cluster", message);
  }
  const { index, term } = snapshot.metadata;
  if (index !== expected.index || term !== expected.term) {
    throw snapshotDamaged(path, 0, `it holds the snapshot at index ${index} of term ${term}`);
  }
}

function parseHead(bytes: Uint8Array): SnapshotHead {
  const [format, version, clusterId, index, term, confState, data] = asArray(
    fromCbor(bytes),
    7,
    "snapshot head",
  );
  if (format !== FORMAT || version !== FORMAT_VERSION) throw new TypeError("unknown format");
  return {
    clusterId: asString(clusterId, "cluster id"),
    snapshot: {
      metadata: {
        index: asNumber(index, "index"),
        term: asNumber(term, "term"),
        confState: confStateFromFields(confState),
      },
      data: Uint8Array.from(asBytes(data, "data")),
    },
  };
}
