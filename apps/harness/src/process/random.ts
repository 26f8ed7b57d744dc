/** A seeded generator of numbers in [0, 1) (mulberry32): the same seed, the same run. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seed of the environment (`SEED=…`) or a new one; print it, so that a failure can be repeated. */
export function chooseSeed(): number {
  const given = process.env["SEED"];
  return given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
}
