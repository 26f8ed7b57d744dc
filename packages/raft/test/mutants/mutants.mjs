// Bugs that real implementations had, as one small change each, and who must notice: `by` is "sim"
// (seeds of the simulator), "conformance" (the transcripts), or the file of a test, `test` its name.
import { coreMutants } from "./core-mutants.mjs";
import { driverMutants } from "./driver-mutants.mjs";
import { kvMutants } from "./kv-mutants.mjs";

export const mutants = [...coreMutants, ...driverMutants, ...kvMutants];

/** A file's source with a mutant in it. */
export function mutate(mutant, source) {
  let text = source;
  for (const { find, replace } of [mutant, ...(mutant.also ?? [])]) {
    if (text.split(find).length !== 2) {
      throw new Error(`${mutant.name}: ${mutant.file} does not hold once: ${find}`);
    }
    text = text.replace(find, () => replace);
  }
  return text;
}
