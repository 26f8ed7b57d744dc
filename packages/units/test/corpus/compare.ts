import { loadUnit, parseUnitFile, parseUnitName } from "../../src/index.js";
import { dumpUnits, ourFacts, theirFacts } from "../debug-output.js";
import { type Judgement, ourJudgement, theirJudgement } from "../judge.js";
import { verify } from "../systemd.js";
import type { CorpusFile } from "./gather.js";

export interface FileDifference {
  readonly origin: string;
  readonly name: string;
  readonly what: string;
  readonly ours: string;
  readonly theirs: string;
  /** Of verdicts: the lines of the file that only one side complains of. */
  readonly lines?: { readonly ours: readonly string[]; readonly theirs: readonly string[] };
}

export interface FileComparison {
  /** Services whose facts were compared. */
  readonly facts: number;
  readonly differences: readonly FileDifference[];
}

/** Files of one call to systemd-analyze. */
const BATCH = 200;

/** Compares batch by batch; files of the same name never meet in one. */
export function compareFiles(files: readonly CorpusFile[]): FileComparison {
  let facts = 0;
  const differences: FileDifference[] = [];
  for (const batch of batchesOf(files)) {
    differences.push(...compareVerdicts(batch));
    const found = compareFacts(batch);
    facts += found.facts;
    differences.push(...found.differences);
  }
  return { facts, differences };
}

/** Templates are looked at as an instance of theirs. */
function batchesOf(files: readonly CorpusFile[]): Map<string, CorpusFile>[] {
  const batches: Map<string, CorpusFile>[] = [];
  for (const file of files) {
    const { isTemplate, prefix, type } = parseUnitName(file.name);
    const name = isTemplate ? `${prefix}@x.${type}` : file.name;
    let batch = batches.find((one) => one.size < BATCH && !one.has(name));
    if (batch === undefined) {
      batch = new Map();
      batches.push(batch);
    }
    batch.set(name, file);
  }
  return batches;
}

function textsOf(batch: ReadonlyMap<string, CorpusFile>): Map<string, string> {
  return new Map([...batch].map(([name, { text }]) => [name, text]));
}

function compareVerdicts(batch: ReadonlyMap<string, CorpusFile>): FileDifference[] {
  const verdicts = verify(textsOf(batch));
  const differences: FileDifference[] = [];
  for (const [name, { text, origin }] of batch) {
    const verdict = verdicts.get(name);
    if (verdict === undefined) continue;
    const theirs = theirJudgement(verdict);
    const ours = upTo(ourJudgement(name, text), theirs);
    if (JSON.stringify(ours) === JSON.stringify(theirs)) continue;
    const all = new Map(
      parseUnitFile(text).assignments.map(
        (one) => [one.keySpan.start.line, `${one.key}=${one.value}`] as const,
      ),
    );
    const only = (some: Judgement, others: Judgement): string[] =>
      some.lines.filter((line) => !others.lines.includes(line)).map((line) => all.get(line) ?? "");
    differences.push({
      ...{ origin, name, what: "verdict", ours: JSON.stringify(ours) },
      theirs: `${JSON.stringify(theirs)} ${verdict.messages.join(" | ")}`,
      lines: { ours: only(ours, theirs), theirs: only(theirs, ours) },
    });
  }
  return differences;
}

/** systemd reads no further than the first line that makes it refuse the unit. */
function upTo(ours: Judgement, theirs: Judgement): Judgement {
  if (!ours.refused || !theirs.refused) return ours;
  const last = theirs.lines.at(-1) ?? 0;
  return { ...ours, lines: ours.lines.filter((line) => line <= last) };
}

function compareFacts(batch: ReadonlyMap<string, CorpusFile>): FileComparison {
  const dumps = dumpUnits(textsOf(batch));
  const differences: FileDifference[] = [];
  let facts = 0;
  for (const [name, { text, origin }] of batch) {
    const { unit } = loadUnit(name, parseUnitFile(text));
    const dump = dumps.get(name);
    // What the machine decides (%H, %t, …) is not known here.
    if (unit?.service === undefined || dump === undefined || /%[^npiIjJNPfl%]/.test(text)) continue;
    facts++;
    const ours = ourFacts(unit);
    const theirs = theirFacts(dump, unit);
    for (const what of Object.keys(ours) as (keyof typeof ours)[]) {
      const [mine, yours] = [JSON.stringify(ours[what]), JSON.stringify(theirs[what])];
      if (mine !== yours) differences.push({ origin, name, what, ours: mine, theirs: yours });
    }
  }
  return { facts, differences };
}
