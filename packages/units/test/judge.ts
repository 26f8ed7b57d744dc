import { loadUnit, parseUnitFile } from "../src/index.js";
import type { Verdict } from "./systemd.js";

/** What is told of a unit, in a form in which both sides can be compared. */
export interface Judgement {
  readonly lines: readonly number[];
  readonly refused: boolean;
}

/** Checks of the unit as a whole, for which systemd tells no line. */
const WHOLE: ReadonlySet<string> = new Set([
  ...["missing-exec-start", "multiple-exec-start", "oneshot-restart", "oneshot-exit-type"],
  ...["missing-bus-name", "pam-kill-mode", "no-effect", "missing-trigger", "missing-listen"],
  ...["bad-accept", "missing-what", "wrong-name"],
]);

export function ourJudgement(name: string, text: string): Judgement {
  const { unit, diagnostics } = loadUnit(name, parseUnitFile(text));
  // Inline comments are what this package warns of and systemd does not; notes are no complaints.
  const told = diagnostics.filter(
    ({ severity, code }) => severity !== "info" && code !== "inline-comment",
  );
  const lines = told.filter((one) => !WHOLE.has(one.code)).map((one) => one.span.start.line);
  return { lines: [...new Set(lines)].sort((a, b) => a - b), refused: unit === undefined };
}

export function theirJudgement({ lines, refused }: Verdict): Judgement {
  return { lines: [...lines].sort((a, b) => a - b), refused };
}
