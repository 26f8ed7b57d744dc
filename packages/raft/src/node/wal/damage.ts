import { RaftError } from "../../index.js";

/** Something wrong in one of a member's files. */
export interface Damage {
  readonly file: string;
  /** Where in the file it begins. */
  readonly offset: number;
  /** Index of the last entry before it; of a snapshot its own; null where none is known. */
  readonly index: number | null;
  /**
   * `torn`: the end of the log, as a crash in the middle of a write leaves it; it was never
   * acknowledged and is cut off. `corrupt`: what no crash can have done; it is never guessed over.
   */
  readonly kind: "torn" | "corrupt";
  readonly what: string;
}

/** Damage as the error with which it is refused. */
export function damageError(damage: Damage): RaftError {
  const { file, offset, index, what } = damage;
  const after = index === null ? "" : `, after index ${index}`;
  return new RaftError("corrupt", `${file}: offset ${offset}${after}: ${what}`, { cause: damage });
}

/** The damage that an error of {@link damageError} tells of; null for any other error. */
export function damageOf(error: unknown): Damage | null {
  if (!RaftError.is(error) || error.code !== "corrupt") return null;
  const cause = error.cause as Partial<Damage> | undefined;
  return typeof cause?.file === "string" ? (cause as Damage) : null;
}

/** How a member takes damage: what is torn is repaired, what is corrupt is refused. */
export function refuseCorrupt(damage: Damage): void {
  if (damage.kind === "corrupt") throw damageError(damage);
}
