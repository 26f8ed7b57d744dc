interface Change {
  readonly find: string;
  readonly replace: string;
}

export interface Mutant extends Change {
  readonly name: string;
  /** Below packages/. */
  readonly file: string;
  readonly also?: readonly Change[];
  readonly by: string;
  readonly test?: string;
}

export const mutants: readonly Mutant[];
export function mutate(mutant: Mutant, source: string): string;
