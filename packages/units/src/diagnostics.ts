import type { Diagnostic } from "./types.js";

/**
 * One diagnostic for a terminal: `web.service:3:5: error: … [bad-value]`, with the line and a mark
 * under the place when the source is given, and the hint below.
 *
 * @example
 * ```ts
 * for (const one of result.diagnostics) console.error(formatDiagnostic(one, text));
 * ```
 */
export function formatDiagnostic(diagnostic: Diagnostic, source?: string): string {
  const { file, severity, message, code, span, hint } = diagnostic;
  const place = `${file === "" ? "<unit>" : file}:${span.start.line}:${span.start.column}`;
  const lines = [`${place}: ${severity}: ${message} [${code}]`];
  if (source !== undefined) lines.push(...excerpt(diagnostic, source));
  if (hint !== undefined) lines.push(`  hint: ${hint}`);
  return lines.join("\n");
}

/** Longest part of a source line that is shown. */
const EXCERPT_MAX = 160;

function excerpt({ span }: Diagnostic, source: string): string[] {
  const { start, end } = span;
  const lineStart = start.offset - (start.column - 1);
  const shown = /^[^\n\r\0]*/.exec(source.slice(lineStart, lineStart + EXCERPT_MAX))?.[0] ?? "";
  if (shown.trim() === "" || start.column > shown.length + 1) return [];
  const length = end.line === start.line ? end.column - start.column : Number.POSITIVE_INFINITY;
  const marks = Math.max(1, Math.min(length, shown.length - start.column + 1));
  // Tabs are kept before the mark, so that it stands under its place whatever their width.
  const indent = shown.slice(0, start.column - 1).replace(/[^\t]/g, " ");
  return [`  ${shown}`, `  ${indent}${"^".repeat(marks)}`];
}

/** Orders by place in the file. */
export function byPosition(a: Diagnostic, b: Diagnostic): number {
  return a.span.start.offset - b.span.start.offset;
}
