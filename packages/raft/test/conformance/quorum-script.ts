import { jointIndex, jointVote } from "../../src/core/quorum/joint.js";
import { majorityIndex, majorityVote, VoteResult } from "../../src/core/quorum/majority.js";
import type { NodeId } from "../../src/core/types.js";
import { valuesOf } from "./arguments.js";
import type { Command } from "./datadriven.js";

interface Case {
  readonly voters: readonly NodeId[];
  /** The other half of a joint quorum; null for a plain majority. */
  readonly outgoing: readonly NodeId[] | null;
  readonly all: readonly NodeId[];
  /** What is known of each voter, in the script's words. */
  readonly known: ReadonlyMap<NodeId, string>;
}

/** How etcd's test prints what is known, in complaints. */
const VOTE_NUMBERS: Readonly<Record<string, string>> = { y: "2", n: "1", _: "0" };

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
  const { name, args } = command;
  const strange = args.find(({ key }) => !["cfg", "cfgj", "idx", "votes"].includes(key));
  if (strange !== undefined) throw new Error(`the script gives ${name} ${strange.key}`);
  const first = valuesOf(args, "cfg").map(Number);
  const joint = valuesOf(args, "cfgj");
  const second = joint.filter((value) => value !== "zero").map(Number);
  const words = valuesOf(args, name === "vote" ? "votes" : "idx");
  // Members of both halves are told of once, with the first.
  const order = [...new Set([...first, ...second])];
  const all = ascending(order);
  if (order.length !== words.length) {
    const members = all.map((id) => `${id}:{}`).join(" ");
    const inputs = words.map((word) => VOTE_NUMBERS[word] ?? word).join(" ");
    return `error: mismatched input (explicit or _) for voters map[${members}]: [${inputs}]`;
  }
  const known = new Map<NodeId, string>();
  order.forEach((id, i) => {
    if (words[i] !== "_") known.set(id, words[i]!);
  });
  return {
    voters: ascending(first),
    outgoing: joint.length > 0 ? ascending(second) : null,
    all,
    known,
  };
}

function ascending(ids: readonly NodeId[]): NodeId[] {
  return [...new Set(ids)].sort((a, b) => a - b);
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
