import { ConfChangeType, decodeConfChange, type Entry, EntryType } from "@flotilla/raft";
import { CliError } from "../../errors.js";

/** Characters of a command that are shown. */
const PREVIEW = 48;
/** Entries shown when nothing is said. */
const LAST = 10;

const CHANGES: Readonly<Record<ConfChangeType, string>> = {
  [ConfChangeType.AddNode]: "add voter",
  [ConfChangeType.RemoveNode]: "remove",
  [ConfChangeType.UpdateNode]: "update",
  [ConfChangeType.AddLearnerNode]: "add learner",
};

/** The entries that `--entries FROM-TO`, `FROM-` or `INDEX` names; the last few when it is absent. */
export function chosenEntries(
  entries: readonly Entry[],
  range: string | undefined,
): readonly Entry[] {
  if (range === undefined) return entries.slice(-LAST);
  const match = /^(\d+)(?:(-)(\d+)?)?$/.exec(range);
  if (match === null) {
    throw new CliError(`--entries: "${range}" is no range`, {
      hint: "like 120-140, 120- or 120",
      exitCode: 2,
    });
  }
  const from = Number(match[1]);
  const open = match[2] === undefined ? from : Number.POSITIVE_INFINITY;
  const to = match[3] === undefined ? open : Number(match[3]);
  return entries.filter(({ index }) => index >= from && index <= to);
}

/** What an entry is, in a word. */
export function entryType({ type, data }: Entry): "command" | "term" | "members" {
  if (type !== EntryType.Normal) return "members";
  return data.length === 0 ? "term" : "command";
}

/** What an entry holds, for a person: a change of members in words, a command's printable part. */
export function entryText(entry: Entry): string {
  switch (entryType(entry)) {
    case "term":
      return "a leader's term begins";
    case "members":
      return changeText(entry);
    case "command":
      return preview(entry.data);
  }
}

function changeText({ type, data }: Entry): string {
  try {
    const { changes } = decodeConfChange(data, type);
    if (changes.length === 0) return "leave the joint configuration";
    return changes.map(({ type, nodeId }) => `${CHANGES[type]} ${nodeId}`).join(", ");
  } catch {
    return "not readable";
  }
}

/** The end of it, where the group's own fields are passed. */
function preview(data: Uint8Array): string {
  const text = Buffer.from(data)
    .toString("latin1")
    .replace(/[^\x20-\x7e]+/g, ".");
  return text.length <= PREVIEW ? text : `…${text.slice(1 - PREVIEW)}`;
}
