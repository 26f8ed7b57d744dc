/** A property of Raft that a run has broken. */
export class InvariantViolation extends Error {
  /** Which one, in the words of the list in `Invariants`. */
  readonly invariant: string;

  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.name = "InvariantViolation";
    this.invariant = invariant;
  }
}

/** Stops the run. */
export function violated(invariant: string, detail: string): never {
  throw new InvariantViolation(invariant, detail);
}
