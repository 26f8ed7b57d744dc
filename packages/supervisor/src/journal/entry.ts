import type { JournalEntry } from "../types.js";

/** What a writer knows; the journal adds cursor and unit. */
export type NewEntry = Omit<JournalEntry, "cursor" | "unit">;

const SOURCES: readonly JournalEntry["source"][] = ["stdout", "stderr", "supervisor"];

/** One line of a segment file: a JSON array, so that line feeds in it are escaped. */
export function encodeEntry(cursor: number, entry: NewEntry): string {
  const source = SOURCES.indexOf(entry.source);
  const fields = [cursor, entry.timestamp, source, entry.pid, entry.identifier, entry.message];
  return `${JSON.stringify(fields)}\n`;
}

/** Undefined for a line that is not an entry: torn by a crash or damaged on disk. */
export function decodeEntry(unit: string, line: string): JournalEntry | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields)) return undefined;
  const [cursor, timestamp, source, pid, identifier, message] = fields as unknown[];
  const from = typeof source === "number" ? SOURCES[source] : undefined;
  if (typeof cursor !== "number" || typeof timestamp !== "number" || from === undefined) {
    return undefined;
  }
  if (typeof pid !== "number" || typeof identifier !== "string" || typeof message !== "string") {
    return undefined;
  }
  return { cursor, timestamp, unit, source: from, identifier, pid, message };
}
