import type { Entry } from "@flotilla/raft";
import type { FolderReport } from "@flotilla/raft/node";
import type { Context } from "../../context.js";
import { showJson } from "../../output/output.js";
import { table } from "../../output/table.js";
import { chosenEntries, entryText, entryType } from "./entries.js";
import { reading } from "./folder.js";

/** raft inspect: what a member's folder holds. Changes nothing. */
export async function raftInspect(
  context: Context,
  directory: string,
  { entries: range }: { readonly entries: string | undefined },
): Promise<void> {
  const { inspectFolder } = await import("@flotilla/raft/node");
  const report = await reading(() => inspectFolder(directory));
  const entries = chosenEntries(report.entries, range);
  await context.print(
    context.output.json ? showJson(asJson(report, entries)) : asText(report, entries),
  );
  if (report.inUse) {
    context.warn(
      "flotilla: a member has this folder open: what it is just writing may be half here",
    );
  }
  if (report.damages.length > 0) {
    context.warn(`flotilla: ${report.damages.length} damaged: see flotilla raft verify`);
  }
}

function asText(report: FolderReport, entries: readonly Entry[]): string {
  const { hardState, membership } = report;
  const facts: [string, string][] = [
    ["folder", report.directory],
    ["cluster", report.clusterId ?? "not readable"],
    ["member", report.id === null ? "not readable" : String(report.id)],
    ["in use", report.inUse ? "yes" : "no"],
    ["term", String(hardState.term)],
    ["vote", hardState.vote === 0 ? "nobody" : String(hardState.vote)],
    ["commit", String(hardState.commit)],
    ["log", `after ${report.base}, to ${report.lastIndex} of term ${report.lastTerm}`],
  ];
  if (membership.uncommitted.length > 0) {
    facts.push(["uncommitted changes of members", membership.uncommitted.join(", ")]);
  }
  const parts = [
    table(facts),
    table([
      ["SEGMENT", "FIRST", "LAST", "FRAMES", "BATCHES", "USED", "BYTES"],
      ...report.segments.map((segment) =>
        [
          baseName(segment.file),
          segment.firstIndex,
          segment.lastIndex,
          segment.frames,
          segment.batches,
          segment.used,
          segment.bytes,
        ].map(String),
      ),
    ]),
    table([
      ["SNAPSHOT", "INDEX", "TERM", "BYTES", "WHOLE", "MARKED", "MEMBERS"],
      ...report.snapshots.map(({ file, index, term, bytes, whole, marked, members }) => [
        baseName(file),
        ...[index, term, bytes].map(String),
        ...[whole, marked].map(yesNo),
        members.map(({ id }) => id).join(",") || "-",
      ]),
      ...report.incoming.map(({ file, index, term, bytes }) => [
        baseName(file),
        ...[index, term, bytes].map(String),
        "coming in",
        "no",
        "-",
      ]),
    ]),
    table([
      ["MEMBER", "ROLE", "ADDRESS", "CONTEXT"],
      ...membership.members.map(({ id, learner, address, context }) => [
        String(id),
        learner ? "learner" : "voter",
        address || "-",
        printable(context) || "-",
      ]),
    ]),
    table([
      ["ENTRY", "TERM", "TYPE", "BYTES", "COMMITTED", "CONTENT"],
      ...entries.map((entry) => [
        ...[entry.index, entry.term].map(String),
        entryType(entry),
        String(entry.data.length),
        yesNo(entry.index <= hardState.commit),
        entryText(entry),
      ]),
    ]),
  ];
  return parts.join("\n");
}

function asJson({ entries: _, ...report }: FolderReport, entries: readonly Entry[]): unknown {
  const members = (list: FolderReport["membership"]["members"]): unknown[] =>
    list.map(({ context, ...member }) => ({ ...member, context: base64(context) }));
  return {
    ...report,
    snapshots: report.snapshots.map((snapshot) => ({
      ...snapshot,
      members: members(snapshot.members),
    })),
    membership: { ...report.membership, members: members(report.membership.members) },
    entries: entries.map((entry) => ({
      index: entry.index,
      term: entry.term,
      type: entryType(entry),
      text: entryText(entry),
      data: base64(entry.data),
    })),
  };
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function yesNo(is: boolean): string {
  return is ? "yes" : "no";
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** Text as it is, other bytes in hexadecimal. */
function printable(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("utf8");
  return /^[\x20-\x7e]*$/.test(text) ? text : Buffer.from(bytes).toString("hex");
}
