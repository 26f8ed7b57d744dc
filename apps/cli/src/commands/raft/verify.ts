import type { FolderDamage, FolderReport } from "@flotilla/raft/node";
import type { Context } from "../../context.js";
import { CliError } from "../../errors.js";
import { showJson } from "../../output/output.js";
import { reading } from "./folder.js";

const OUTCOMES: Readonly<Record<FolderDamage["outcome"], string>> = {
  cut: "torn: cut off at the next start",
  "passed-over": "corrupt: passed over at the next start",
  refused: "corrupt: the member refuses to start",
};

/** raft verify: reads every byte of a member's folder; exit code 1 where anything in it is damaged. */
export async function raftVerify(context: Context, directory: string): Promise<void> {
  const { verifyFolder } = await import("@flotilla/raft/node");
  const report = await reading(() => verifyFolder(directory));
  const { damages } = report;
  if (context.output.json) {
    await context.print(showJson({ ...totals(report), clean: damages.length === 0, damages }));
  } else {
    await context.print(damages.length === 0 ? cleanText(report) : damages.map(text).join("\n"));
  }
  if (damages.length === 0) return;
  const refused = damages.filter(({ outcome }) => outcome === "refused").length;
  const starts = refused > 0 ? "the member will not start" : "the member will start";
  throw new CliError(`${report.directory}: ${damages.length} damaged, ${starts}`, {
    code: "damaged",
  });
}

function totals({ directory, clusterId, id, segments, snapshots }: FolderReport) {
  const bytes = [...segments, ...snapshots].reduce((sum, file) => sum + file.bytes, 0);
  return {
    directory,
    clusterId,
    id,
    segments: segments.length,
    snapshots: snapshots.length,
    bytes,
  };
}

function cleanText(report: FolderReport): string {
  const { directory, segments, snapshots, bytes } = totals(report);
  const files = `${segments} segments and ${snapshots} snapshots, ${bytes} bytes`;
  return `${directory}: clean: ${files}, to index ${report.lastIndex}\n`;
}

function text({ file, offset, index, what, outcome, advice }: FolderDamage): string {
  const after = index === null ? "" : `, index ${index}`;
  return [
    `${file}: offset ${offset}${after}: ${what}`,
    `  ${OUTCOMES[outcome]}`,
    `  do: ${advice}`,
    "",
  ].join("\n");
}
