import { type FileHandle, open, readdir } from "node:fs/promises";
import { join } from "node:path";

/** A file of a unit's journal, named by the cursor of its first entry. */
export interface Segment {
  readonly path: string;
  readonly firstCursor: number;
}

const SUFFIX = ".journal";
const NEWLINE = 0x0a;
const BLOCK_BYTES = 64 * 1024;

/** The path of the segment that begins with `cursor`. */
export function segmentPath(directory: string, cursor: number): string {
  return join(directory, `${String(cursor).padStart(16, "0")}${SUFFIX}`);
}

/** The segments of a directory, oldest first; none when it does not exist. */
export async function listSegments(directory: string): Promise<Segment[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names
    .filter((name) => /^\d{16}\.journal$/.test(name))
    .sort()
    .map((name) => ({
      path: join(directory, name),
      firstCursor: Number(name.slice(0, -SUFFIX.length)),
    }));
}

/**
 * The complete lines of a file from byte `from` on, each with the offset behind it. A last line
 * without its line feed is not given: it is being written, or torn.
 */
export async function* readForward(
  path: string,
  from: number,
): AsyncGenerator<{ line: string; end: number }> {
  const file = await openOrGone(path);
  if (!file) return;
  try {
    let rest: Buffer = Buffer.alloc(0);
    let restStart = from;
    for (;;) {
      const block = Buffer.allocUnsafe(BLOCK_BYTES);
      const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, restStart + rest.length);
      if (bytesRead === 0) return;
      const text = Buffer.concat([rest, block.subarray(0, bytesRead)]);
      let at = 0;
      for (let end = text.indexOf(NEWLINE); end >= 0; end = text.indexOf(NEWLINE, at)) {
        yield { line: text.toString("utf8", at, end), end: restStart + end + 1 };
        at = end + 1;
      }
      rest = text.subarray(at);
      restStart += at;
    }
  } finally {
    await file.close();
  }
}

/** The complete lines of a file from its end to its beginning, each with the offset of its start. */
export async function* readBackward(
  path: string,
): AsyncGenerator<{ line: string; start: number; end: number }> {
  const file = await openOrGone(path);
  if (!file) return;
  try {
    let start = (await file.stat()).size;
    let tail: Buffer = Buffer.alloc(0);
    let torn = true;
    for (;;) {
      const last = torn ? tail.lastIndexOf(NEWLINE) : tail.length - 1;
      const previous = last > 0 ? tail.lastIndexOf(NEWLINE, last - 1) : -1;
      if (last >= 0 && (previous >= 0 || start === 0)) {
        torn = false;
        const line = tail.toString("utf8", previous + 1, last);
        yield { line, start: start + previous + 1, end: start + last + 1 };
        tail = tail.subarray(0, previous + 1);
        if (tail.length > 0) continue;
      }
      if (start === 0) return;
      const size = Math.min(BLOCK_BYTES, start);
      const block = Buffer.allocUnsafe(size);
      const { bytesRead } = await file.read(block, 0, size, start - size);
      if (bytesRead < size) return;
      start -= size;
      tail = Buffer.concat([block, tail]);
    }
  } finally {
    await file.close();
  }
}

/** The size of a file up to and including its last line feed: what a crash has left whole. */
export async function wholeSize(path: string): Promise<number> {
  for await (const { end } of readBackward(path)) return end;
  return 0;
}

/** Rotation removes files under readers. */
async function openOrGone(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
