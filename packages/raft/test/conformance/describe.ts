import { decodeConfChange } from "../../src/core/conf-change/codec.js";
import type { MemberProgress } from "../../src/core/status.js";
import { ProgressState } from "../../src/core/tracker/progress.js";
import type { Membership } from "../../src/core/tracker/tracker.js";
import {
  type ConfState,
  type Entry,
  EntryType,
  type HardState,
  LOCAL_APPEND_THREAD,
  LOCAL_APPLY_THREAD,
  type Message,
  MessageType,
  NONE,
  type NodeId,
  type Ready,
  Role,
  type Snapshot,
} from "../../src/core/types.js";
import { describeChanges } from "./changes.js";

function nameOf(values: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(values).find((name) => values[name] === value) ?? String(value);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** Data as Go's %q prints it: UTF-8 as text, other bytes and what cannot be seen as escapes. */
function quote(data: Uint8Array): string {
  let out = "";
  for (let at = 0; at < data.length; ) {
    const char = characterAt(data, at);
    out += char === null ? hex("\\x", data[at]!, 2) : escaped(char);
    at += char === null ? 1 : Buffer.byteLength(char);
  }
  return `"${out}"`;
}

/** The character whose UTF-8 begins at a byte, or null where none does. */
function characterAt(data: Uint8Array, at: number): string | null {
  for (let length = 1; length <= 4; length++) {
    const text = Buffer.from(data.subarray(at, at + length)).toString();
    if (!text.includes("\uFFFD")) return text;
  }
  return null;
}

function escaped(char: string): string {
  const short = ESCAPES[char];
  if (short !== undefined) return short;
  if (char === " " || !/[\p{C}\p{Z}]/u.test(char)) return char;
  const code = char.codePointAt(0)!;
  if (code < 0x80) return hex("\\x", code, 2);
  return code < 0x10000 ? hex("\\u", code, 4) : hex("\\U", code, 8);
}

function hex(prefix: string, value: number, digits: number): string {
  return `${prefix}${value.toString(16).padStart(digits, "0")}`;
}

function target(id: NodeId): string {
  if (id === NONE) return "None";
  if (id === LOCAL_APPEND_THREAD) return "AppendThread";
  if (id === LOCAL_APPLY_THREAD) return "ApplyThread";
  return id.toString(16);
}

export function describeRole(role: Role): string {
  return `State${nameOf(Role, role)}`;
}

function describeHardState({ term, vote, commit }: HardState): string {
  return `Term:${term}${vote === NONE ? "" : ` Vote:${vote}`} Commit:${commit}`;
}

function describeConfState(state: ConfState): string {
  const list = (ids: readonly NodeId[]) => `[${ids.join(" ")}]`;
  return (
    `Voters:${list(state.voters)} VotersOutgoing:${list(state.votersOutgoing)} ` +
    `Learners:${list(state.learners)} LearnersNext:${list(state.learnersNext)} ` +
    `AutoLeave:${state.autoLeave}`
  );
}

function describeSnapshot({ metadata }: Snapshot): string {
  const { index, term, confState } = metadata;
  return `Index:${index} Term:${term} ConfState:${describeConfState(confState)}`;
}

function describeData(entry: Entry): string {
  if (entry.type === EntryType.Normal) return quote(entry.data);
  const { changes } = decodeConfChange(entry.data, entry.type);
  return describeChanges(changes);
}

function describeEntry(entry: Entry): string {
  const data = describeData(entry);
  const type = `Entry${nameOf(EntryType, entry.type)}`;
  return `${entry.term}/${entry.index} ${type}${data === "" ? "" : ` ${data}`}`;
}

export function describeEntries(entries: readonly Entry[]): string {
  return entries.map((entry) => `${describeEntry(entry)}\n`).join("");
}

export function describeMessage(m: Message, indent = ""): string {
  const name = `Msg${nameOf(MessageType, m.type)}`;
  let out = `${indent}${target(m.from)}->${target(m.to)} ${name} Term:${m.term} Log:${m.logTerm}/${m.index}`;
  if (m.reject) out += ` Rejected (Hint: ${m.rejectHint})`;
  if (m.commit !== 0) out += ` Commit:${m.commit}`;
  if (m.vote !== NONE) out += ` Vote:${m.vote}`;
  if (m.entries.length === 1) {
    out += ` Entries:[${describeEntry(m.entries[0]!)}]`;
  } else if (m.entries.length > 1) {
    const lines = m.entries.map((entry) => `\n${indent}  ${describeEntry(entry)}`);
    out += ` Entries:[${lines.join("")}\n${indent}]`;
  }
  if (m.snapshot !== null && m.snapshot.metadata.index !== 0) {
    out += `\n${indent}  Snapshot: ${describeSnapshot(m.snapshot)}`;
  }
  if (m.responses.length > 0) {
    const lines = m.responses.map((response) => `\n${describeMessage(response, `${indent}  `)}`);
    out += ` Responses:[${lines.join("")}\n${indent}]`;
  }
  return out;
}

export function describeReady(ready: Ready): string {
  let out = "";
  if (ready.softState !== null) {
    out += `Lead:${ready.softState.lead} ${`State:${describeRole(ready.softState.role)}`}\n`;
  }
  if (ready.hardState !== null) out += `HardState ${describeHardState(ready.hardState)}\n`;
  if (ready.readStates.length > 0) {
    const states = ready.readStates.map(
      ({ index, context }) => `{${index} [${context.join(" ")}]}`,
    );
    out += `ReadStates [${states.join(" ")}]\n`;
  }
  if (ready.entries.length > 0) out += `Entries:\n${describeEntries(ready.entries)}`;
  if (ready.snapshot !== null) out += `Snapshot ${describeSnapshot(ready.snapshot)}\n`;
  if (ready.committedEntries.length > 0) {
    out += `CommittedEntries:\n${describeEntries(ready.committedEntries)}`;
  }
  if (ready.messages.length > 0) {
    out += `Messages:\n${ready.messages.map((m) => `${describeMessage(m)}\n`).join("")}`;
  }
  return out === "" ? "<empty Ready>" : `Ready MustSync=${ready.mustSync}:\n${out}`;
}

/** One line for each member, as the `status` command and the configuration scripts print them. */
export function describeProgress(progress: ReadonlyMap<NodeId, MemberProgress>): string {
  const ids = [...progress.keys()].sort((a, b) => a - b);
  return ids.map((id) => `${id}: ${describeMember(progress.get(id)!)}\n`).join("");
}

function describeMember(pr: MemberProgress): string {
  let out = `State${nameOf(ProgressState, pr.state)} match=${pr.match} next=${pr.next}`;
  if (pr.isLearner) out += " learner";
  if (pr.paused) out += " paused";
  if (pr.pendingSnapshot > 0) out += ` pendingSnap=${pr.pendingSnapshot}`;
  if (!pr.recentActive) out += " inactive";
  if (pr.inflight > 0) out += ` inflight=${pr.inflight}${pr.inflightFull ? "[full]" : ""}`;
  return out;
}

export function describeMembership(membership: Membership): string {
  const list = (ids: readonly NodeId[]) => `(${ids.map((id) => id.toString(16)).join(" ")})`;
  const { incoming, outgoing, learners, learnersNext, autoLeave } = membership;
  let out = `voters=${list(incoming)}`;
  if (outgoing.length > 0) out += `&&${list(outgoing)}`;
  if (learners.length > 0) out += ` learners=${list(learners)}`;
  if (learnersNext.length > 0) out += ` learners_next=${list(learnersNext)}`;
  return autoLeave ? `${out} autoleave` : out;
}
