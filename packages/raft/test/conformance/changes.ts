import { type ConfChangeSingle, ConfChangeType } from "../../src/core/types.js";
import { ScriptError } from "./script-error.js";

const TYPES: ReadonlyMap<string, ConfChangeType> = new Map([
  ["v", ConfChangeType.AddNode],
  ["l", ConfChangeType.AddLearnerNode],
  ["r", ConfChangeType.RemoveNode],
  ["u", ConfChangeType.UpdateNode],
]);
const LETTERS = new Map([...TYPES].map(([letter, type]) => [type, letter]));

/** Changes as scripts write them: `v1 l2 r3`. Throws what etcd's parser says of other input. */
export function parseChanges(text: string): ConfChangeSingle[] {
  if (text === "") return [];
  return text.split(" ").map((token) => {
    if (token.length < 2) throw new ScriptError(`unknown token ${token}`);
    const type = TYPES.get(token[0]!);
    if (type === undefined) throw new ScriptError(`unknown input: ${token}`);
    const id = token.slice(1);
    if (!/^\d+$/.test(id)) {
      throw new ScriptError(`strconv.ParseUint: parsing ${JSON.stringify(id)}: invalid syntax`);
    }
    return { type, nodeId: Number(id) };
  });
}

/** The inverse of {@link parseChanges}. */
export function describeChanges(changes: readonly ConfChangeSingle[]): string {
  return changes.map(({ type, nodeId }) => `${LETTERS.get(type)}${nodeId}`).join(" ");
}
