import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  AppliedEntry,
  Codec,
  Member,
  RaftGroupOptions,
  StateMachine,
} from "../../src/node/index.js";
import { RaftGroup } from "../../src/node/index.js";

/** A log of words: results are the count so far, so that a doubled or lost command shows. */
export class Words implements StateMachine<string, number> {
  words: string[] = [];
  restores = 0;

  apply(entries: readonly AppliedEntry<string>[]): number[] {
    return entries.map(({ command }) => (command === null ? 0 : this.words.push(command)));
  }

  async *snapshot(): AsyncGenerator<Uint8Array> {
    const fixed = JSON.stringify(this.words);
    for (let at = 0; at < fixed.length; at += 10_000) {
      yield Buffer.from(fixed.slice(at, at + 10_000));
    }
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(Uint8Array.from(chunk));
    this.words = JSON.parse(Buffer.concat(parts).toString());
    this.restores++;
  }
}

export const text: Codec<string> = {
  encode: (command) => Buffer.from(command),
  decode: (bytes) => Buffer.from(bytes).toString(),
};

export function member(id: number, address = ""): Member {
  return { id, address, context: new Uint8Array([id]), learner: false };
}

export type Options = RaftGroupOptions<string, number>;

/** Quick elections for tests. */
export async function openGroup(
  options: Pick<Options, "id" | "transport" | "stateMachine"> & Partial<Options>,
): Promise<RaftGroup<string, number>> {
  return await RaftGroup.open({
    clusterId: "test",
    members: [1, 2, 3].map((id) => member(id)),
    storage: "memory",
    codec: text,
    tickMs: 20,
    electionTicks: 10,
    ...options,
  });
}

/** Resolves when `check` holds; looks at every turn of the loop. */
export async function until(what: string, check: () => boolean, ms = 10_000): Promise<void> {
  const end = performance.now() + ms;
  while (!check()) {
    if (performance.now() > end) throw new Error(`never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The one that leads, once a majority of the given agrees. */
export async function leaderOf(
  groups: readonly RaftGroup<string, number>[],
): Promise<RaftGroup<string, number>> {
  let leader: RaftGroup<string, number> | undefined;
  await until("there is a leader", () => {
    leader = groups.find((group) => group.isLeader);
    const id = leader?.status().id;
    return leader !== undefined && groups.every((group) => group.status().leader === id);
  });
  return leader!;
}

/** A folder that is removed when the scope ends. */
export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "flotilla-raft-"));
  return {
    path,
    [Symbol.asyncDispose]: async () => await rm(path, { recursive: true, force: true }),
  };
}

/** Random numbers that repeat: mulberry32. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
