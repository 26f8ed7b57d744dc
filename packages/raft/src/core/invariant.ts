/**
 * Stops on a state that no correct run can reach. Not a `RaftError`: nobody can handle it,
 * and going on would risk the log.
 */
export function fail(message: string): never {
  throw new Error(`raft invariant violated: ${message}`);
}
