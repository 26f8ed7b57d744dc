import type { NodeId } from "../core/types.js";

/**
 * What a trace line tells of an event, after its time and its member:
 *
 * | line | when |
 * | --- | --- |
 * | `start version=V` | a member starts; V counts the builds |
 * | `stop` | it crashes or is stopped |
 * | `refuse` | it does not start, because its disk is damaged |
 * | `lose` | its data is gone for good |
 * | `join id=N` | a new member comes in its place |
 * | `role is=R term=T` | it becomes follower, candidate, leader or pre-candidate |
 * | `apply index=I term=T` | its state machine applies an entry |
 * | `configure index=I voters=A,B learners=C outgoing=D` | a configuration counts for it from there |
 * | `send to=N type=T term=T index=I log=L commit=C entries=E reject=R` | a message leaves it |
 * | `lost from=N type=T` | a message to it is lost |
 * | `fault number=N kind=K` | a fault of the schedule strikes (no member) |
 * | `heal` | all faults end (no member) |
 */
export type TraceEvent =
  | "start"
  | "stop"
  | "refuse"
  | "lose"
  | "join"
  | "role"
  | "apply"
  | "configure"
  | "send"
  | "lost"
  | "fault"
  | "heal";

/** Words and numbers; lists are joined by commas. */
export type TraceFields = Readonly<Record<string, string | number | readonly number[]>>;

/**
 * One line of a trace: virtual milliseconds with one decimal, the member (`-` for none), the event,
 * and its fields as `name=value`. Equal seeds give equal lines.
 */
export function traceLine(
  now: number,
  member: NodeId | null,
  event: TraceEvent,
  fields: TraceFields = {},
): string {
  let line = `${now.toFixed(1)} ${member ?? "-"} ${event}`;
  for (const [name, value] of Object.entries(fields)) line += ` ${name}=${value}`;
  return line;
}
