import type { Model } from "./checker.js";

/** An operation on a register that holds a number, at first 0. */
export type RegisterInput =
  | { readonly type: "read" }
  | { readonly type: "write"; readonly value: number };

/** A register; a write's output says nothing. */
export const registerModel: Model<number, RegisterInput, number> = {
  init: () => 0,
  step(state, input, output) {
    if (input.type === "write") return { state: input.value };
    return output === undefined || output === state ? { state } : null;
  },
  equal: (a, b) => a === b,
};
