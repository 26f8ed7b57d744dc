import type { JournalEntry, JournalOptions } from "../types.js";
import { decodeEntry } from "./entry.js";
import { listSegments, readBackward, readForward, type Segment } from "./segments.js";
import type { JournalWriter } from "./writer.js";

/** Where a reader stands: the byte offset in a segment, that of the first line not read yet. */
interface Place {
  readonly firstCursor: number;
  readonly offset: number;
}

/**
 * Reads a unit's journal from its files. A follower holds no queue: it sleeps until something was
 * written and goes on reading where it stopped, so a slow one costs no memory. One that is slower
 * than rotation misses the entries in between, which shows in the cursors.
 */
export async function* readJournal(
  unit: string,
  directory: string,
  writer: JournalWriter | undefined,
  options: JournalOptions,
): AsyncGenerator<JournalEntry> {
  const { signal, afterCursor = 0, sinceMs = Number.NEGATIVE_INFINITY } = options;
  await writer?.flush();
  let place = await findStart(unit, directory, options);
  let last = afterCursor;
  for (;;) {
    // Noted before reading: a write or the end during it must not be missed.
    const seen = writer?.writes ?? 0;
    const over = !options.follow || !writer || writer.finished;
    for await (const read of readFrom(unit, directory, place)) {
      if (signal?.aborted) return;
      place = read.place;
      if (read.entry && read.entry.cursor > last && read.entry.timestamp >= sinceMs) {
        last = read.entry.cursor;
        yield read.entry;
      }
    }
    if (over) return;
    await writer.nextWrite(seen, signal);
    if (signal?.aborted) return;
  }
}

/** The place of the oldest entry wanted, found from the end, so that a tail costs what it returns. */
async function findStart(
  unit: string,
  directory: string,
  { lines, afterCursor, sinceMs }: JournalOptions,
): Promise<Place | undefined> {
  if (lines === undefined && afterCursor === undefined && sinceMs === undefined) return undefined;
  let left = lines ?? Number.POSITIVE_INFINITY;
  let place: Place | undefined;
  for (const segment of (await listSegments(directory)).reverse()) {
    for await (const { line, start, end } of readBackward(segment.path)) {
      const entry = decodeEntry(unit, line);
      const wanted =
        left > 0 &&
        (!entry ||
          (entry.cursor > (afterCursor ?? 0) &&
            entry.timestamp >= (sinceMs ?? Number.NEGATIVE_INFINITY)));
      if (!wanted) return place ?? { firstCursor: segment.firstCursor, offset: end };
      if (entry) left -= 1;
      place = { firstCursor: segment.firstCursor, offset: start };
    }
  }
  return undefined;
}

async function* readFrom(
  unit: string,
  directory: string,
  place: Place | undefined,
): AsyncGenerator<{ readonly entry: JournalEntry | undefined; readonly place: Place }> {
  for (const segment of segmentsFrom(await listSegments(directory), place)) {
    const offset = segment.firstCursor === place?.firstCursor ? place.offset : 0;
    for await (const { line, end } of readForward(segment.path, offset)) {
      yield {
        entry: decodeEntry(unit, line),
        place: { firstCursor: segment.firstCursor, offset: end },
      };
    }
  }
}

function segmentsFrom(segments: readonly Segment[], place: Place | undefined): readonly Segment[] {
  return place ? segments.filter(({ firstCursor }) => firstCursor >= place.firstCursor) : segments;
}
