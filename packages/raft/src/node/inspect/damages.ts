import { samePoint, snapshotName, WHOLE } from "../snapshot/names.js";
import type { Damage } from "../wal/damage.js";
import type { SnapshotPoint, WalContent } from "../wal/types.js";
import type { ReadSnapshot } from "./snapshot-files.js";
import type { FolderDamage } from "./types.js";

const CUT = "nothing: the member cuts it off at its next start; it was never acknowledged";
const PASSED_OVER =
  "nothing: the member goes on from its other snapshot and the log; its next snapshot replaces this one";
const REFUSED =
  "leave the folder as it is, and bring back a copy of all of it from before the damage; or, where " +
  "a majority of the others is alive, remove this member and add a new one with an empty folder";
/** A member that began anew there would have forgotten its vote and what it acknowledged. */
export const NO_LOG = "there are snapshots, but no log: it was lost";

/** What was read of a folder. */
interface Read {
  readonly directory: string;
  readonly hasLog: boolean;
  readonly content: WalContent;
  readonly last: SnapshotPoint;
  /** Damage in the log. */
  readonly found: readonly Damage[];
  readonly snapshots: readonly ReadSnapshot[];
}

/** Says of all damage what becomes of it, and with which snapshot the member would start. */
export function judge(read: Read): {
  readonly start: ReadSnapshot | null;
  readonly damages: readonly FolderDamage[];
} {
  const { directory, hasLog, content, last, found, snapshots } = read;
  const usable = content.snapshots
    .filter((mark) => mark.index >= content.base)
    .sort((a, b) => b.index - a.index);
  const start =
    usable
      .map((mark) => snapshots.find(({ report }) => samePoint(report, mark)))
      .find((one) => one?.report.whole) ?? null;
  const startable = start !== null || content.base === 0;
  const damages = found.map((damage) => withOutcome(damage, damage.kind === "torn" ? "cut" : null));
  for (const damage of [...missing(read, usable), ...snapshots.map((one) => one.damage)]) {
    if (damage) damages.push(withOutcome(damage, startable ? "passed-over" : null));
  }
  const log = { file: `${directory}/log`, offset: 0, index: last.index, kind: "corrupt" } as const;
  const refused = damages.some(({ outcome }) => outcome === "refused");
  if (!startable && !refused) {
    const what = `the log begins after index ${content.base} and no snapshot reaches it`;
    damages.push(withOutcome({ ...log, what }, null));
  }
  if (!hasLog && snapshots.length > 0) {
    damages.push(withOutcome({ ...log, what: NO_LOG }, null));
  }
  const { commit } = content.hardState;
  const reach = Math.max(last.index, start?.report.index ?? 0);
  if (commit > reach && !refused) {
    const what = `the commit index is ${commit}, but the log ends at ${reach}`;
    damages.push(withOutcome({ ...log, what }, null));
  }
  return { start, damages };
}

/** The newest snapshot that the log knows of must be there. */
function missing({ directory, snapshots }: Read, usable: readonly SnapshotPoint[]): Damage[] {
  const newest = usable[0];
  if (!newest || snapshots.some(({ report }) => samePoint(report, newest))) return [];
  const file = `${directory}/snapshots/${snapshotName(newest, WHOLE)}`;
  const what = "the log knows of this snapshot, and it is not there";
  return [{ file, offset: 0, index: newest.index, kind: "corrupt", what }];
}

function withOutcome(damage: Damage, harmless: "cut" | "passed-over" | null): FolderDamage {
  const outcome = harmless ?? "refused";
  const advice = outcome === "cut" ? CUT : outcome === "passed-over" ? PASSED_OVER : REFUSED;
  return { ...damage, outcome, advice };
}
