import type { ConfState, Entry, HardState, NodeId } from "../../index.js";
import type { Disk } from "../disk/disk.js";
import type { Member } from "../types.js";
import type { Damage } from "../wal/damage.js";

/** Where to look. */
export interface InspectOptions {
  /** The real disk by default. */
  readonly disk?: Disk;
}

/** What a member's folder holds. Paths are as on disk, numbers of bytes without units. */
export interface FolderReport {
  /** The folder that holds `log` and `snapshots`: the one given, or one in it. */
  readonly directory: string;
  /** A member has it open: what is read may be half of what it is just writing. */
  readonly inUse: boolean;
  /** Null where no segment's head could be read. */
  readonly clusterId: string | null;
  readonly id: NodeId | null;
  readonly hardState: HardState;
  /** The log continues after this index. */
  readonly base: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Oldest first. */
  readonly segments: readonly SegmentReport[];
  /** Newest first. */
  readonly snapshots: readonly SnapshotReport[];
  /** A snapshot that was coming in from another member when its transfer broke. */
  readonly incoming: readonly IncomingReport[];
  /** As of the commit index that this member knew; where damage is refused, of the newest whole snapshot. */
  readonly membership: MembershipReport;
  /** Entries after `base`, or after the last damage that was passed over. */
  readonly entries: readonly Entry[];
  /** All that is wrong, in the order of the files. */
  readonly damages: readonly FolderDamage[];
}

/** A segment of the log. */
export interface SegmentReport {
  readonly file: string;
  readonly sequence: number;
  /** Length of the file, and how much of it is in use. */
  readonly bytes: number;
  readonly used: number;
  readonly batches: number;
  readonly frames: number;
  /** Of the entries in it; 0 where it holds none. Entries that were replaced later count, too. */
  readonly firstIndex: number;
  readonly lastIndex: number;
}

/** A snapshot's file. */
export interface SnapshotReport {
  readonly file: string;
  readonly index: number;
  readonly term: number;
  readonly bytes: number;
  /** Every byte of it is right. */
  readonly whole: boolean;
  /** The log knows of it; one that it does not know of is not used. */
  readonly marked: boolean;
  /** Empty where its head cannot be read. */
  readonly members: readonly Member[];
}

/** A part of a snapshot. */
export interface IncomingReport {
  readonly file: string;
  readonly index: number;
  readonly term: number;
  readonly bytes: number;
}

/** Who belongs to the group. */
export interface MembershipReport {
  readonly confState: ConfState;
  readonly members: readonly Member[];
  /** Changes in the log that were not known to be committed, by index. */
  readonly uncommitted: readonly number[];
}

/** Damage, and what becomes of it when the member starts. */
export interface FolderDamage extends Damage {
  /**
   * `cut`: the member cuts it off and goes on, nothing acknowledged is lost. `passed-over`: the member
   * goes on without this file. `refused`: the member does not start.
   */
  readonly outcome: "cut" | "passed-over" | "refused";
  /** What to do about it. */
  readonly advice: string;
}
