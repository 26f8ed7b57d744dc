import { jointIndex, jointVote } from "../../src/core/quorum/joint.js";
import { majorityIndex, majorityVote, VoteResult } from "../../src/core/quorum/majority.js";
import type { NodeId } from "../../src/core/types.js";
import type { Command } from "./datadriven.js";

interface Case {
  readonly voters: readonly NodeId[];
  /** The other half of a joint quorum; null for a plain majority. */
  readonly outgoing: readonly NodeId[] | null;
  readonly all: readonly NodeId[];
  /** What is known of each voter, in the script's words. */
  readonly known: ReadonlyMap<NodeId, string>;
}

/** Runs the scripts about quorums. Each answer is also reached in other ways, which must agree. */
export function quorumScript(): (command: Command) => string {
  return (command) => {
    const parsed = parse(command);
    if (typeof parsed === "string") return parsed;
    if (command.name === "committed") return committed(parsed);
    if (command.name === "vote") return vote(parsed);
    throw new Error(`unknown command ${command.name}`);
  };
}

function parse(command: Command): Case | string {
  const values = (key: string) =>
    command.args.filter((arg) => arg.key === key).flatMap((arg) => arg.values);
  const voters = [...new Set(values("cfg").map(Number))].sort((a, b) => a - b);
  const joint = command.args.some(({ key }) => key === "cfgj");
  const second = values("cfgj").filter((value) => value !== "zero");
  const outgoing = [...new Set(second.map(Number))].sort((a, b) => a - b);
  const words = command.name === "vote" ? values("votes") : values("idx");
  const order = [...new Set([...values("cfg"), ...second].map(Number))];
  if (order.length !== words.length) {
    return `error: mismatched input (explicit or _) for voters ${order}: ${words}`;
  }
  const known = new Map<NodeId, string>();
  order.forEach((id, i) => {
    if (words[i] !== "_") known.set(id, words[i]!);
  });
  const all = [...order].sort((a, b) => a - b);
  return { voters, outgoing: joint ? outgoing : null, all, known };
}

function committed({ voters, outgoing, all, known }: Case): string {
  const acked = (id: NodeId) => Number(known.get(id) ?? 0);
  let out = describe(all, known);
  let index: number;
  const differs = (other: number, how: string) => {
    if (other !== index) out += `${show(other)} <-- via ${how}\n`;
  };
  if (outgoing === null) {
    index = majorityIndex(voters, acked);
    differs(countedIndex(voters, acked), "alternative computation");
    differs(jointIndex(voters, [], acked), "zero-joint quorum");
    differs(jointIndex(voters, voters, acked), "self-joint quorum");
    for (const id of voters) {
      const own = acked(id);
      if (index <= own || own === 0) continue;
      // Whoever is below the committed index may fall further: it does not count.
      for (const lower of [own - 1, 0]) {
        const overlaid = majorityIndex(voters, (other) => (other === id ? lower : acked(other)));
        differs(overlaid, `overlaying ${id}->${lower}`);
      }
    }
  } else {
    index = jointIndex(voters, outgoing, acked);
    differs(jointIndex(outgoing, voters, acked), "symmetry");
  }
  return `${out}${show(index)}\n`;
}

/** The committed index by its definition: the highest that enough voters have reached. */
function countedIndex(voters: readonly NodeId[], acked: (id: NodeId) => number): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const quorum = Math.floor(voters.length / 2) + 1;
  const reached = voters
    .map(acked)
    .filter((index) => voters.filter((id) => acked(id) >= index).length >= quorum);
  return Math.max(0, ...reached);
}

function show(index: number): string {
  return index === Number.POSITIVE_INFINITY ? "∞" : String(index);
}

function describe(all: readonly NodeId[], known: ReadonlyMap<NodeId, string>): string {
  if (all.length === 0) return "<empty majority quorum>";
  const index = (id: NodeId) => Number(known.get(id) ?? 0);
  const pad = " ".repeat(all.length);
  const lines = all.map((id) => {
    // As many marks as there are voters behind this one.
    const bar = all.filter((other) => index(other) < index(id)).length;
    const mark = known.has(id) ? `${"x".repeat(bar)}>${pad.slice(bar)}` : `?${pad}`;
    return `${mark} ${String(index(id)).padStart(5)}    (id=${id.toString(16)})\n`;
  });
  return `${pad}    idx\n${lines.join("")}`;
}

function vote({ voters, outgoing, known }: Case): string {
  const votes = new Map([...known].map(([id, word]) => [id, word === "y"]));
  const name = (result: VoteResult) =>
    `Vote${Object.entries(VoteResult).find(([, value]) => value === result)?.[0]}\n`;
  if (outgoing === null) return name(majorityVote(voters, votes));
  const result = jointVote(voters, outgoing, votes);
  const other = jointVote(outgoing, voters, votes);
  return other === result ? name(result) : `${name(other)} <-- via symmetry\n${name(result)}`;
}
